import { describe, expect, it } from 'vitest';
import { DTYPES, type DType } from './dtype.js';
import { countNonFinite, encodeValues, float32Values, int32Values } from './element-values.js';

describe('element types', () => {
  it.each(DTYPES)('%s: small whole numbers survive being written and read', (dtype) => {
    const values = dtype === 'bool' ? [0, 1, 1] : dtype.startsWith('u') ? [0, 3, 120] : [0, -3, 120];
    const bytes = encodeValues(dtype, Float32Array.from(values));
    expect([...float32Values(dtype, bytes)]).toEqual(values);
    if (dtype.includes('float')) return;
    expect([...int32Values(dtype, bytes)!]).toEqual(values);
    expect(encodeValues(dtype, Int32Array.from(values))).toEqual(bytes);
  });

  it.each<[DType, ArrayBuffer]>([
    ['int64', BigInt64Array.of(2n ** 31n).buffer],
    ['uint32', Uint32Array.of(2 ** 31).buffer],
    ['uint64', BigUint64Array.of(2n ** 63n).buffer],
  ])('%s beyond int32 is not silently wrapped', (dtype, buffer) => {
    expect(int32Values(dtype, new Uint8Array(buffer))).toBeUndefined();
  });
});

describe('countNonFinite', () => {
  it('finds each NaN and infinity at any place, and no other value', () => {
    for (const length of [0, 1, 63, 64, 65, 200]) {
      const values = Float32Array.from({ length }, (_, i) => (i % 2 ? 3.4028235e38 : -1e-45));
      expect(countNonFinite(values)).toBe(0);
      for (let i = 0; i < length; i++) {
        const kept = values[i]!;
        values[i] = [Number.NaN, Infinity, -Infinity][i % 3]!;
        expect(countNonFinite(values)).toBe(1);
        values[i] = kept;
      }
    }
    expect(countNonFinite(Float32Array.of(Number.NaN, 1, -Infinity, Infinity))).toBe(3);
  });
});
