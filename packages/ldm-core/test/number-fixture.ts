/** Reads fixtures of plain numbers, float64 ones too; `parity-case.ts` reads those that become tensors. */
import { readFileSync } from 'node:fs';
import { fixture } from './parity-case.js';

const decoders: Record<string, (buffer: ArrayBuffer) => Float64Array> = {
  F32: (buffer) => Float64Array.from(new Float32Array(buffer)),
  F64: (buffer) => new Float64Array(buffer),
  I64: (buffer) => Float64Array.from(new BigInt64Array(buffer), Number),
};

/** Every tensor of a safetensors file, flat, as doubles. */
export function readNumbers(path: string): Map<string, Float64Array> {
  const bytes = readFileSync(fixture(path));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
    string,
    { dtype: string; data_offsets: [number, number] }
  >;
  return new Map(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(
        ([
          name,
          {
            dtype,
            data_offsets: [from, to],
          },
        ]) => {
          const decode = decoders[dtype];
          if (!decode) throw new Error(`${path}: ${name} is ${dtype}`);
          return [name, decode(Uint8Array.from(bytes.subarray(start + from, start + to)).buffer)];
        },
      ),
  );
}

/** Largest |y - ref| / max(|ref|, floor): the runner's `each_rel`. */
export function eachRel(y: ArrayLike<number>, ref: ArrayLike<number>, floor = 1e-20): number {
  if (y.length !== ref.length) return Number.POSITIVE_INFINITY;
  return Array.from(ref).reduce(
    (worst, wanted, i) => Math.max(worst, Math.abs(y[i]! - wanted) / Math.max(Math.abs(wanted), floor)),
    0,
  );
}
