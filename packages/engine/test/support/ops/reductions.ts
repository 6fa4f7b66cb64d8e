import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { type OpCase, type OpInput, opCase } from '../op-case.js';
import { type Domain, FINITE, type PlainType, shapes, tensorOf } from '../plain-tensor.js';

interface Axes {
  readonly axes: number[] | undefined;
  readonly keepDims: boolean;
}

const NUMBERS: readonly PlainType[] = ['float32', 'int32'];
const FLOAT: readonly PlainType[] = ['float32'];

/** A tensor with a set of its axes (all, some, negative ones), and whether they stay as length 1. */
function withAxes(dtypes: readonly PlainType[], domain: Domain, minDim: number): fc.Arbitrary<OpInput<Axes>> {
  return fc
    .tuple(fc.constantFrom(...dtypes), shapes({ minDim }), fc.nat(), fc.nat({ max: 3 }), fc.boolean())
    .chain(([dtype, shape, bits, how, keepDims]) => {
      const some = shape.map((_, axis) => axis).filter((axis) => (bits >> axis) & 1);
      const axes =
        how === 0 || some.length === 0 ? undefined : how === 1 ? some.map((axis) => axis - shape.length) : some;
      return tensorOf(shape, dtype, domain).map((x) => ({ tensors: [x], attrs: { axes, keepDims } }));
    });
}

/** A tensor with one of its axes. */
function withAxis(dtypes: readonly PlainType[], domain: Domain): fc.Arbitrary<OpInput<number>> {
  return fc
    .tuple(fc.constantFrom(...dtypes), shapes({ min: 1, minDim: 1 }), fc.nat())
    .chain(([dtype, shape, at]) =>
      tensorOf(shape, dtype, domain).map((x) => ({ tensors: [x], attrs: at % shape.length })),
    );
}

type Reduce = (x: tf.Tensor, axes: number[] | undefined, keepDims: boolean) => tf.Tensor | tf.Tensor[];

const reduction = (
  name: string,
  op: Reduce,
  dtypes = NUMBERS,
  { domain = FINITE, minDim = 1, tolerance = 1e-5 }: { domain?: Domain; minDim?: number; tolerance?: number } = {},
): OpCase =>
  opCase(name, withAxes(dtypes, domain, minDim), ([x], { axes, keepDims }) => op(x!, axes, keepDims), { tolerance });

const SMALL: Domain = { min: -2, max: 2 };
/** Sums of up to 1024 numbers of either sign: the order of summation shows. */
const SUM = { tolerance: 2e-4 };

export const REDUCTIONS: readonly OpCase[] = [
  reduction('sum', (x, axes, keep) => tf.sum(x, axes, keep), ['float32', 'int32', 'bool'], { ...SUM, minDim: 0 }),
  reduction('mean', (x, axes, keep) => tf.mean(x, axes, keep), NUMBERS, SUM),
  reduction('prod', (x, axes, keep) => tf.prod(x, axes, keep), NUMBERS, { domain: SMALL, tolerance: 1e-4 }),
  reduction('max', (x, axes, keep) => tf.max(x, axes, keep)),
  reduction('min', (x, axes, keep) => tf.min(x, axes, keep)),
  reduction('all', (x, axes, keep) => tf.all(x, axes, keep), ['bool']),
  reduction('any', (x, axes, keep) => tf.any(x, axes, keep), ['bool']),
  reduction('logSumExp', (x, axes, keep) => tf.logSumExp(x, axes, keep), FLOAT),
  opCase('euclideanNorm', withAxis(FLOAT, FINITE), ([x], axis) => tf.euclideanNorm(x!, axis), SUM),
  reduction(
    'moments',
    (x, axes, keep) => {
      const { mean, variance } = tf.moments(x, axes, keep);
      return [mean, variance];
    },
    FLOAT,
    { tolerance: 1e-3 },
  ),
  opCase('argMax', withAxis(NUMBERS, FINITE), ([x], axis) => tf.argMax(x!, axis)),
  opCase('argMin', withAxis(NUMBERS, FINITE), ([x], axis) => tf.argMin(x!, axis)),
  opCase('softmax', withAxis(FLOAT, FINITE), ([x]) => tf.softmax(x!)),
  opCase('logSoftmax', withAxis(FLOAT, FINITE), ([x]) => tf.logSoftmax(x!), { tolerance: 1e-4 }),
  // Axes from the front only: the cpu backend loses the shape when one is counted from the back.
  opCase('cumsum', withAxis(NUMBERS, FINITE), ([x], axis) => tf.cumsum(x!, axis, axis % 2 === 0, axis > 1), {
    tolerance: 1e-4,
  }),
  opCase('cumprod', withAxis(NUMBERS, SMALL), ([x], axis) => tf.cumprod(x!, axis, axis % 2 === 0, axis > 1), {
    tolerance: 1e-4,
  }),
  opCase('reverse', withAxis(['float32', 'int32', 'bool'], FINITE), ([x], axis) => tf.reverse(x!, axis)),
];
