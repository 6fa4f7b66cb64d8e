import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';

/** The types that property tests draw. */
export type PlainType = 'float32' | 'int32' | 'bool';

/** A tensor as plain data, so that each backend can make its own. */
export interface PlainTensor {
  readonly shape: readonly number[];
  readonly dtype: PlainType;
  readonly values: readonly number[];
}

/** What an element may be. */
export interface Domain {
  readonly min: number;
  readonly max: number;
  /** Drawn now and then among the others. */
  readonly specials?: readonly number[];
}

/** Ordinary numbers, and those that often go wrong. */
export const ANY: Domain = { min: -20, max: 20, specials: [0, -0, NaN, Infinity, -Infinity] };
/** Ordinary numbers only. */
export const FINITE: Domain = { min: -20, max: 20, specials: [0, 1, -1] };

/** Make the tensor on the current backend. */
export function upload({ shape, dtype, values }: PlainTensor): tf.Tensor {
  const data =
    dtype === 'float32'
      ? Float32Array.from(values)
      : dtype === 'int32'
        ? Int32Array.from(values)
        : Uint8Array.from(values);
  return tf.tensor(data, [...shape], dtype);
}

/** Read a tensor back as plain data; complex numbers as pairs. */
export function download(tensor: tf.Tensor): { shape: number[]; dtype: string; values: number[] } {
  return { shape: [...tensor.shape], dtype: tensor.dtype, values: Array.from(tensor.dataSync() as Float32Array) };
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((product, length) => product * length, 1);

function element(dtype: PlainType, { min, max, specials = [] }: Domain): fc.Arbitrary<number> {
  if (dtype === 'bool') return fc.integer({ min: 0, max: 1 });
  if (dtype === 'int32') return fc.integer({ min: Math.ceil(min), max: Math.floor(max) });
  const ordinary = fc
    .integer({ min: 0, max: 2 ** 20 })
    .map((step) => Math.fround(min + ((max - min) * step) / 2 ** 20));
  if (specials.length === 0) return ordinary;
  return fc.oneof({ weight: 12, arbitrary: ordinary }, { weight: 1, arbitrary: fc.constantFrom(...specials) });
}

/** A tensor of one given shape and type. */
export function tensorOf(
  shape: readonly number[],
  dtype: PlainType,
  domain: Domain = FINITE,
): fc.Arbitrary<PlainTensor> {
  const size = sizeOf(shape);
  return fc
    .array(element(dtype, domain), { minLength: size, maxLength: size })
    .map((values) => ({ shape, dtype, values }));
}

/** Shapes of `min` to `max` axes; an axis may be empty unless `minDim` forbids. */
export function shapes({ min = 0, max = 5, minDim = 0, maxDim = 4 } = {}): fc.Arbitrary<number[]> {
  const dim =
    minDim > 0
      ? fc.integer({ min: minDim, max: maxDim })
      : fc.oneof(
          { weight: 14, arbitrary: fc.integer({ min: 1, max: maxDim }) },
          { weight: 1, arbitrary: fc.constant(0) },
        );
  return fc.array(dim, { minLength: min, maxLength: max });
}

/** A tensor of any shape and one of the given types. */
export function anyTensor(
  dtypes: readonly PlainType[],
  domain: Domain = FINITE,
  shape: fc.Arbitrary<number[]> = shapes(),
): fc.Arbitrary<PlainTensor> {
  return fc.tuple(fc.constantFrom(...dtypes), shape).chain(([dtype, dims]) => tensorOf(dims, dtype, domain));
}

/** Two tensors of one type whose shapes broadcast: some axes of either are 1, some leading axes of one are absent. */
export function broadcastPair(
  dtypes: readonly PlainType[],
  left: Domain = FINITE,
  right: Domain = left,
): fc.Arbitrary<[PlainTensor, PlainTensor]> {
  return fc
    .tuple(fc.constantFrom(...dtypes), shapes({ max: 4 }), fc.nat(), fc.nat(), fc.nat({ max: 4 }), fc.boolean())
    .chain(([dtype, shape, leftOnes, rightOnes, dropped, dropLeft]) => {
      const thin = (bits: number) => shape.map((length, axis) => (((bits >> axis) & 3) === 3 ? 1 : length));
      const [a, b] = [thin(leftOnes), thin(rightOnes)];
      (dropLeft ? a : b).splice(0, Math.min(dropped, shape.length));
      return fc.tuple(tensorOf(a, dtype, left), tensorOf(b, dtype, right));
    });
}
