import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BufferSink, encodeValues, TensorToWrite, writeSafetensors } from '@codiff/ldm-core';
import { afterAll, describe, expect, it } from 'vitest';
import { readSafetensorsFile } from './safetensors-file.js';

const folder = mkdtempSync(join(tmpdir(), 'parity-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** A file of one tensor. */
function fileOf(dtype: string, shape: readonly number[], data: Uint8Array): string {
  const header = Buffer.from(JSON.stringify({ x: { dtype, shape, data_offsets: [0, data.length] } }));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(header.length));
  const path = join(folder, 'x.safetensors');
  writeFileSync(path, Buffer.concat([size, header, data]));
  return path;
}

const bytesOf = (values: ArrayBufferView) => new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
const read = (dtype: string, data: ArrayBufferView, length: number) => [
  ...readSafetensorsFile(fileOf(dtype, [length], bytesOf(data))).get('x')!.values,
];

describe('readSafetensorsFile', () => {
  it.each([
    ['F64', Float64Array.of(0.1, -2)],
    ['F32', Float32Array.of(0.5, -2)],
    ['I32', Int32Array.of(-(2 ** 31), 7)],
    ['U32', Uint32Array.of(2 ** 32 - 1, 7)],
    ['I16', Int16Array.of(-(2 ** 15), 7)],
    ['U16', Uint16Array.of(2 ** 16 - 1, 7)],
    ['I8', Int8Array.of(-128, 7)],
    ['U8', Uint8Array.of(255, 7)],
    ['BOOL', Uint8Array.of(1, 0)],
  ])('reads %s', (dtype, values) => {
    expect(read(dtype, values, 2)).toEqual([...values]);
  });

  it('reads 64-bit integers as doubles', () => {
    expect(read('I64', BigInt64Array.of(-5n, 2n ** 53n), 2)).toEqual([-5, 2 ** 53]);
    expect(read('U64', BigUint64Array.of(5n, 2n ** 53n), 2)).toEqual([5, 2 ** 53]);
  });

  it('reads halves by their definition', () => {
    const half = Uint16Array.of(0x3c00, 0xc000, 0x3555, 0x0001, 0x7bff, 0x8000, 0x7c00, 0xfe00);
    expect(read('F16', half, 8)).toEqual([1, -2, 0.333251953125, 2 ** -24, 65504, -0, Number.POSITIVE_INFINITY, NaN]);
    const bfloat = Uint16Array.of(0x3f80, 0xc040, 0x7f80, 0x0001);
    expect(read('BF16', bfloat, 4)).toEqual([1, -3, Number.POSITIVE_INFINITY, 2 ** -133]);
  });

  it('reads every type that the product writes, to the same numbers', async () => {
    const values = Float32Array.of(0, 1, 2, 3, 100, 64);
    const dtypes = ['float64', 'float32', 'float16', 'bfloat16', 'int64', 'int32', 'int16', 'int8'] as const;
    const all = [...dtypes, 'uint64', 'uint32', 'uint16', 'uint8'] as const;
    const sink = new BufferSink();
    const tensor = (dtype: (typeof all)[number]) =>
      new TensorToWrite(dtype, [2, 3], async () => encodeValues(dtype, values));
    await writeSafetensors(sink, new Map(all.map((dtype) => [dtype, tensor(dtype)])));
    const path = join(folder, 'all.safetensors');
    writeFileSync(path, sink.bytes());
    const found = readSafetensorsFile(path);
    expect([...found.keys()].sort()).toEqual([...all].sort());
    for (const { shape, values: got } of found.values()) {
      expect(shape).toEqual([2, 3]);
      expect([...got]).toEqual([...values]);
    }
  });

  it('names what it cannot read', () => {
    expect(() => readSafetensorsFile(fileOf('F8_E4M3', [1], new Uint8Array(1)))).toThrow(
      /'x' has dtype F8_E4M3; known here: F64/,
    );
    expect(() => readSafetensorsFile(fileOf('F16', [3], new Uint8Array(4)))).toThrow(/'x' of shape \[3\]/);
  });
});
