import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bytesField, fieldsOf, varint, varintField } from './proto.js';

const fields = (bytes: readonly number[]) => [...fieldsOf(Uint8Array.from(bytes))];

describe('varint', () => {
  it('is base 128, low bits first', () => {
    expect(varint(0)).toEqual([0]);
    expect(varint(127)).toEqual([0x7f]);
    expect(varint(128)).toEqual([0x80, 0x01]);
    expect(varint(300)).toEqual([0xac, 0x02]);
    expect(varint(2n ** 63n)).toHaveLength(10);
  });
});

describe('fieldsOf', () => {
  it('reads back what was written', () => {
    fc.assert(
      fc.property(
        fc.array(
          fc.tuple(fc.integer({ min: 1, max: 500 }), fc.oneof(fc.nat(), fc.array(fc.integer({ min: 0, max: 255 })))),
        ),
        (wanted) => {
          const bytes = wanted.flatMap(([field, value]) =>
            typeof value === 'number' ? varintField(field, value) : bytesField(field, value),
          );
          const got = fields(bytes).map(([field, value]) => [field, typeof value === 'number' ? value : [...value]]);
          expect(got).toEqual(wanted);
        },
      ),
    );
  });

  it('reads strings as UTF-8, booleans as 0 and 1', () => {
    expect(fields(bytesField(1, 'Zürich'))).toEqual([[1, new TextEncoder().encode('Zürich')]]);
    expect(fields([...varintField(2, true), ...varintField(3, false)])).toEqual([
      [2, 1],
      [3, 0],
    ]);
  });

  it('steps over fixed-width fields', () => {
    const bytes = [(1 << 3) | 5, 1, 2, 3, 4, (2 << 3) | 1, 1, 2, 3, 4, 5, 6, 7, 8, ...varintField(3, 9)];
    expect(fields(bytes).map(([field, value]) => [field, typeof value === 'number' ? value : value.length])).toEqual([
      [1, 4],
      [2, 8],
      [3, 9],
    ]);
  });

  it('refuses groups and a message that breaks off', () => {
    expect(() => fields([(1 << 3) | 3])).toThrow(/wire type 3 of field 1/);
    expect(() => fields([0x80])).toThrow(/ends inside a varint/);
  });
});
