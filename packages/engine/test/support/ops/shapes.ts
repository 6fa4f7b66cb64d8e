import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { type OpCase, only, opCase } from '../op-case.js';
import { ANY, anyTensor, FINITE, type PlainTensor, type PlainType, shapes, tensorOf } from '../plain-tensor.js';

const ALL: readonly PlainType[] = ['float32', 'int32', 'bool'];
const NUMBERS: readonly PlainType[] = ['float32', 'int32'];

/** A tensor together with something drawn for its shape. */
function withShape<A>(
  dtypes: readonly PlainType[],
  shape: fc.Arbitrary<number[]>,
  attrs: (shape: readonly number[]) => fc.Arbitrary<A>,
): fc.Arbitrary<{ tensors: PlainTensor[]; attrs: A }> {
  return fc
    .tuple(fc.constantFrom(...dtypes), shape)
    .chain(([dtype, dims]) => fc.tuple(tensorOf(dims, dtype), attrs(dims)))
    .map(([x, drawn]) => ({ tensors: [x], attrs: drawn }));
}

const axisOf = (shape: readonly number[]): fc.Arbitrary<number> => fc.integer({ min: 0, max: shape.length - 1 });
const perAxis = <T>(shape: readonly number[], draw: (length: number) => fc.Arbitrary<T>): fc.Arbitrary<T[]> =>
  fc.tuple(...shape.map(draw)) as fc.Arbitrary<T[]>;
const integers = (min: number, max: number) => fc.integer({ min, max });
const permutation = (n: number) =>
  fc.shuffledSubarray(
    Array.from({ length: n }, (_, i) => i),
    { minLength: n, maxLength: n },
  );

/** Tensors of equal shape, but for one axis. */
const joinable = fc
  .tuple(
    fc.constantFrom(...ALL),
    shapes({ min: 1, max: 4 }),
    fc.nat(),
    fc.array(integers(1, 3), { minLength: 1, maxLength: 4 }),
  )
  .chain(([dtype, shape, at, lengths]) => {
    const axis = at % shape.length;
    const parts = lengths.map((length) => tensorOf(shape.with(axis, length), dtype));
    return fc.tuple(...parts).map((tensors) => ({ tensors, attrs: axis }));
  });

const stackable = fc
  .tuple(fc.constantFrom(...ALL), shapes({ max: 4 }), fc.nat(), integers(1, 3))
  .chain(([dtype, shape, at, n]) =>
    fc
      .tuple(...Array.from({ length: n }, () => tensorOf(shape, dtype)))
      .map((tensors) => ({ tensors, attrs: at % (shape.length + 1) })),
  );

const gatherable = withShape(ALL, shapes({ min: 1, max: 4, minDim: 1 }), (shape) =>
  axisOf(shape).chain((axis) =>
    fc.record({ axis: fc.constant(axis), indices: tensorOf([2, 3], 'int32', { min: 0, max: shape[axis]! - 1 }) }),
  ),
).map(({ tensors, attrs }) => ({ tensors: [...tensors, attrs.indices], attrs: attrs.axis }));

const slices = (shape: readonly number[]) =>
  perAxis(shape, (length) =>
    integers(0, length).chain((begin) => fc.tuple(fc.constant(begin), integers(0, length - begin))),
  );

const scattered = fc.tuple(integers(1, 5), integers(1, 3)).chain(([n, width]) =>
  fc.record({
    tensors: fc.tuple(
      permutation(6).map((order): PlainTensor => ({ shape: [n, 1], dtype: 'int32', values: order.slice(0, n) })),
      tensorOf([n, width], 'float32'),
    ),
    attrs: fc.constant<[number, number]>([6, width]),
  }),
);

export const SHAPES: readonly OpCase[] = [
  opCase('reshape', only(anyTensor(ALL, ANY)), ([x]) => [tf.reshape(x!, [x!.size]), tf.reshape(x!, [1, ...x!.shape])]),
  opCase(
    'transpose',
    withShape(ALL, shapes(), (shape) => permutation(shape.length)),
    ([x], perm) => tf.transpose(x!, perm),
  ),
  opCase(
    'expandDims',
    withShape(ALL, shapes({ max: 4 }), (shape) => integers(0, shape.length)),
    ([x], axis) => tf.expandDims(x!, axis),
  ),
  opCase('squeeze', only(anyTensor(ALL, FINITE, shapes({ maxDim: 2 }))), ([x]) => tf.squeeze(x!)),
  opCase('concat', joinable, (tensors, axis) => tf.concat(tensors, axis)),
  opCase('stack', stackable, (tensors, axis) => tf.stack(tensors, axis)),
  opCase('unstack', withShape(ALL, shapes({ min: 1, max: 4, minDim: 1 }), axisOf), ([x], axis) => tf.unstack(x!, axis)),
  opCase(
    'split',
    withShape(ALL, shapes({ min: 1, max: 4, minDim: 1 }), (shape) =>
      axisOf(shape).chain((axis) => integers(0, shape[axis]!).map((first) => ({ axis, first }))),
    ),
    ([x], { axis, first }) => [
      ...tf.split(x!, [first, x!.shape[axis]! - first], axis),
      ...tf.split(x!, x!.shape[axis]!, axis),
    ],
  ),
  opCase('slice', withShape(ALL, shapes({ min: 1 }), slices), ([x], ranges) =>
    tf.slice(
      x!,
      ranges.map(([begin]) => begin),
      ranges.map(([, size]) => size),
    ),
  ),
  opCase(
    'stridedSlice',
    withShape(NUMBERS, shapes({ min: 1, max: 4, minDim: 2 }), (shape) =>
      perAxis(shape, (length) => fc.tuple(integers(0, length - 2), fc.constant(length), integers(1, 2))),
    ),
    ([x], ranges) =>
      tf.stridedSlice(
        x!,
        ranges.map(([begin]) => begin),
        ranges.map(([, end]) => end),
        ranges.map(([, , stride]) => stride),
      ),
  ),
  opCase(
    'pad',
    withShape(NUMBERS, shapes({ min: 1, max: 4 }), (shape) =>
      perAxis(shape, () => fc.tuple(integers(0, 2), integers(0, 2))),
    ),
    ([x], paddings) => tf.pad(x!, paddings, 3),
  ),
  opCase(
    'mirrorPad',
    withShape(['float32'], shapes({ min: 1, max: 4, minDim: 3 }), (shape) =>
      fc.record({
        paddings: perAxis(shape, () => fc.tuple(integers(0, 2), integers(0, 2))),
        mode: fc.constantFrom<'reflect' | 'symmetric'>('reflect', 'symmetric'),
      }),
    ),
    ([x], { paddings, mode }) => tf.mirrorPad(x!, paddings, mode),
  ),
  opCase(
    'tile',
    withShape(ALL, shapes({ min: 1, max: 4 }), (shape) => perAxis(shape, () => integers(1, 3))),
    ([x], reps) => tf.tile(x!, reps),
  ),
  opCase('broadcastTo', only(anyTensor(NUMBERS, FINITE, shapes({ min: 1, max: 4 }))), ([x]) =>
    tf.broadcastTo(
      tf.slice(x!, 0, Math.min(1, x!.shape[0]!)),
      x!.shape[0] === 0 ? x!.shape : [3, ...x!.shape.slice(1)],
    ),
  ),
  opCase('gather', gatherable, ([x, indices], axis) => tf.gather(x!, indices!, axis)),
  opCase(
    'gatherND',
    only(fc.tuple(tensorOf([3, 4, 2], 'float32'), tensorOf([5, 2], 'int32', { min: 0, max: 2 }))),
    ([x, indices]) => tf.gatherND(x!, indices!),
  ),
  opCase('scatterND', scattered, ([indices, updates], shape) => tf.scatterND(indices!, updates!, shape)),
  opCase(
    'tensorScatterUpdate',
    scattered.chain(({ tensors, attrs }) =>
      tensorOf(attrs, 'float32').map((base) => ({ tensors: [base, ...tensors], attrs })),
    ),
    ([base, indices, updates]) => tf.tensorScatterUpdate(base!, indices!, updates!),
  ),
  opCase(
    'unsortedSegmentSum',
    only(fc.tuple(tensorOf([5, 3], 'float32'), tensorOf([5], 'int32', { min: 0, max: 3 }))),
    ([x, ids]) => tf.unsortedSegmentSum(x!, ids as tf.Tensor1D, 4),
  ),
  opCase('oneHot', only(anyTensor(['int32'], { min: -1, max: 5 }, shapes({ min: 1, max: 3 }))), ([indices]) =>
    tf.oneHot(indices!, 5, 2, -1),
  ),
  opCase(
    'topk',
    withShape(NUMBERS, shapes({ min: 1, max: 3, minDim: 1 }), (shape) => integers(1, shape.at(-1)!)),
    ([x], k) => {
      const { values, indices } = tf.topk(x!, k);
      return [values, indices];
    },
  ),
  opCase('batchToSpaceND', only(tensorOf([4, 2, 3, 2], 'float32')), ([x]) =>
    tf.batchToSpaceND(
      x!,
      [2, 2],
      [
        [0, 1],
        [1, 0],
      ],
    ),
  ),
  opCase('spaceToBatchND', only(tensorOf([2, 3, 4, 2], 'float32')), ([x]) =>
    tf.spaceToBatchND(
      x!,
      [2, 2],
      [
        [1, 0],
        [0, 0],
      ],
    ),
  ),
  opCase('depthToSpace', only(tensorOf([2, 2, 3, 8], 'float32')), ([x]) =>
    tf.depthToSpace(x as tf.Tensor4D, 2, 'NHWC'),
  ),
  opCase('diag', only(anyTensor(NUMBERS, FINITE, shapes({ min: 1, max: 2, minDim: 1 }))), ([x]) => tf.diag(x!)),
  opCase('meshgrid', only(fc.tuple(tensorOf([3], 'float32'), tensorOf([2], 'float32'))), ([a, b]) =>
    tf.meshgrid(a!, b!),
  ),
  opCase('bincount', only(tensorOf([7], 'int32', { min: 0, max: 9 })), ([x]) =>
    tf.bincount(x as tf.Tensor1D, tf.tensor1d([]), 6),
  ),
  opCase('sparseToDense', only(tensorOf([3], 'float32')), ([values]) =>
    tf.sparseToDense(
      tf.tensor2d(
        [
          [0, 1],
          [1, 0],
          [2, 3],
        ],
        [3, 2],
        'int32',
      ),
      values!,
      [3, 4],
      tf.scalar(-1),
    ),
  ),
  opCase(
    'unique',
    only(tensorOf([6], 'int32', { min: 0, max: 3 })),
    ([x]) => {
      const { values, indices } = tf.unique(x!);
      return [values, indices];
    },
    { refused: /shape depends on values/ },
  ),
  opCase('fill', only(anyTensor(['float32'])), ([x]) => tf.add(tf.fill(x!.shape, 2.5), x!)),
  opCase('eye', only(tensorOf([3, 4], 'float32')), ([x]) => tf.mul(tf.eye(3, 4), x!)),
  opCase('linspace', only(tensorOf([7], 'float32')), ([x]) => tf.add(tf.linspace(-1, 2, 7), x!)),
  opCase('range', only(tensorOf([4], 'float32')), ([x]) => tf.add(tf.range(1, 9, 2), x!)),
];
