import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { type OpCase, only, opCase } from '../op-case.js';
import { FINITE, type PlainTensor, tensorOf } from '../plain-tensor.js';

/** Sums of a few dozen products of numbers up to 20. */
const PRODUCTS = { tolerance: 2e-4 };
const UNIT = { min: -1, max: 1 };
const int = (min: number, max: number) => fc.integer({ min, max });
const float = (shape: readonly number[]) => tensorOf(shape, 'float32', FINITE);

const matrices = fc
  .record({
    // Not [2,1] with [1,3]: the cpu backend broadcasts batches on one side only. That case has a test of its own.
    batch: fc.constantFrom<[number[], number[]]>(
      [[], []],
      [[2], [2]],
      [[1], [3]],
      [
        [2, 3],
        [1, 1],
      ],
      [[0], [0]],
    ),
    m: int(1, 4),
    k: int(1, 5),
    n: int(1, 4),
    transposeA: fc.boolean(),
    transposeB: fc.boolean(),
  })
  .chain(({ batch: [a, b], m, k, n, transposeA, transposeB }) =>
    fc
      .tuple(float([...a, ...(transposeA ? [k, m] : [m, k])]), float([...b, ...(transposeB ? [n, k] : [k, n])]))
      .map((tensors) => ({ tensors, attrs: { transposeA, transposeB } })),
  );

/** An image, a filter, and how to slide it. */
const images = ({ dilations = [1], channels = true } = {}) =>
  fc
    .record({
      batch: int(1, 2),
      height: int(3, 6),
      width: int(3, 6),
      inC: int(1, 3),
      outC: int(1, 3),
      kernel: fc.constantFrom<[number, number]>([1, 1], [3, 3], [2, 3]),
      stride: int(1, 2),
      pad: fc.constantFrom<'same' | 'valid'>('same', 'valid'),
      dilation: fc.constantFrom(...dilations),
    })
    .filter(
      ({ stride, dilation, kernel, height, width, pad }) =>
        (stride === 1 || dilation === 1) &&
        (pad === 'same' || ((kernel[0] - 1) * dilation < height && (kernel[1] - 1) * dilation < width)),
    )
    .chain(({ batch, height, width, inC, outC, kernel, ...attrs }) =>
      fc
        .tuple(float([batch, height, width, inC]), float([...kernel, inC, channels ? outC : 2]))
        .map((tensors): { tensors: PlainTensor[]; attrs: typeof attrs } => ({ tensors, attrs })),
    );

const pools = fc
  .record({ size: int(1, 3), stride: int(1, 3), pad: fc.constantFrom<'same' | 'valid'>('same', 'valid') })
  .chain((attrs) => float([2, 5, 4, 3]).map((x) => ({ tensors: [x], attrs })));

const resizes = fc
  .record({
    height: int(1, 7),
    width: int(1, 7),
    // tfjs allows one of the two at most.
    mode: fc.constantFrom<[boolean, boolean]>([false, false], [true, false], [false, true]),
  })
  .chain((attrs) => float([2, 4, 3, 2]).map((x) => ({ tensors: [x], attrs })));

const boxes = fc.constant<PlainTensor>({
  shape: [3, 4],
  dtype: 'float32',
  values: [0, 0, 1, 1, 0.1, 0.2, 0.8, 0.9, 0.5, 0.5, 0.75, 1],
});

type X4 = tf.Tensor4D;

export const NEURAL: readonly OpCase[] = [
  opCase(
    'matMul',
    matrices,
    ([a, b], { transposeA, transposeB }) => tf.matMul(a!, b!, transposeA, transposeB),
    PRODUCTS,
  ),
  opCase('dot', only(fc.tuple(float([4]), float([4, 3]))), ([a, b]) => tf.dot(a!, b!), PRODUCTS),
  opCase('outerProduct', only(fc.tuple(float([4]), float([3]))), ([a, b]) =>
    tf.outerProduct(a as tf.Tensor1D, b as tf.Tensor1D),
  ),
  opCase(
    'einsum',
    only(fc.tuple(float([2, 3, 4]), float([2, 4, 5]))),
    ([a, b]) => tf.einsum('bij,bjk->bik', a!, b!),
    PRODUCTS,
  ),
  opCase(
    'fused.matMul',
    only(fc.tuple(float([3, 4]), float([4, 2]), float([2]))),
    ([a, b, bias]) =>
      (['linear', 'relu', 'relu6', 'elu', 'sigmoid'] as const).map((activation) =>
        tf.fused.matMul({ a: a as tf.Tensor2D, b: b as tf.Tensor2D, bias: bias!, activation }),
      ),
    PRODUCTS,
  ),
  opCase(
    'conv2d',
    images({ dilations: [1, 2] }),
    ([x, w], { stride, pad, dilation }) => tf.conv2d(x as X4, w as X4, stride, pad, 'NHWC', dilation),
    PRODUCTS,
  ),
  opCase(
    'conv2d (explicit padding)',
    only(fc.tuple(float([2, 5, 4, 3]), float([3, 3, 3, 2]))),
    ([x, w]) =>
      tf.conv2d(x as X4, w as X4, 2, [
        [0, 0],
        [0, 1],
        [1, 2],
        [0, 0],
      ]),
    PRODUCTS,
  ),
  opCase(
    'conv1d',
    only(fc.tuple(float([2, 6, 3]), float([3, 3, 2]))),
    ([x, w]) => tf.conv1d(x as tf.Tensor3D, w as tf.Tensor3D, 1, 'same'),
    PRODUCTS,
  ),
  opCase(
    'fused.conv2d',
    only(fc.tuple(float([1, 4, 4, 2]), float([3, 3, 2, 3]), float([3]))),
    ([x, filter, bias]) =>
      tf.fused.conv2d({ x: x as X4, filter: filter as X4, strides: 1, pad: 'same', bias: bias!, activation: 'relu' }),
    PRODUCTS,
  ),
  opCase(
    'depthwiseConv2d',
    images({ channels: false }),
    ([x, w], { stride, pad }) => tf.depthwiseConv2d(x as X4, w as X4, stride, pad),
    PRODUCTS,
  ),
  opCase(
    'separableConv2d',
    only(fc.tuple(float([1, 4, 4, 2]), float([3, 3, 2, 2]), tensorOf([1, 1, 4, 3], 'float32', UNIT))),
    ([x, depthwise, pointwise]) => tf.separableConv2d(x as X4, depthwise as X4, pointwise as X4, 1, 'same'),
    { tolerance: 1e-3 },
  ),
  opCase(
    'conv2dTranspose',
    only(fc.tuple(float([2, 3, 4, 3]), float([3, 3, 2, 3]))),
    ([x, w]) => tf.conv2dTranspose(x as X4, w as X4, [2, 6, 8, 2], 2, 'same'),
    PRODUCTS,
  ),
  opCase(
    'conv3d',
    only(fc.tuple(float([1, 3, 4, 3, 2]), float([2, 2, 2, 2, 2]))),
    ([x, w]) => tf.conv3d(x as tf.Tensor5D, w as tf.Tensor5D, 1, 'same'),
    PRODUCTS,
  ),
  opCase('avgPool', pools, ([x], { size, stride, pad }) => tf.avgPool(x as X4, size, stride, pad)),
  opCase('maxPool', pools, ([x], { size, stride, pad }) => tf.maxPool(x as X4, size, stride, pad)),
  opCase('avgPool3d', only(float([1, 4, 4, 4, 2])), ([x]) => tf.avgPool3d(x as tf.Tensor5D, 2, 2, 'valid')),
  opCase('maxPool3d', only(float([1, 4, 4, 4, 2])), ([x]) => tf.maxPool3d(x as tf.Tensor5D, 2, 2, 'same')),
  opCase('dilation2d', only(fc.tuple(float([1, 5, 5, 2]), float([2, 2, 2]))), ([x, w]) =>
    tf.dilation2d(x as X4, w as tf.Tensor3D, 1, 'valid'),
  ),
  opCase(
    'batchNorm',
    only(
      fc.tuple(float([2, 3, 3, 4]), float([4]), tensorOf([4], 'float32', { min: 0.5, max: 4 }), float([4]), float([4])),
    ),
    ([x, mean, variance, offset, scale]) =>
      tf.batchNorm(x as X4, mean as tf.Tensor1D, variance as tf.Tensor1D, offset as tf.Tensor1D, scale as tf.Tensor1D),
    PRODUCTS,
  ),
  opCase('localResponseNormalization', only(float([1, 3, 3, 5])), ([x]) => tf.localResponseNormalization(x as X4, 2)),
  opCase(
    'image.resizeBilinear',
    resizes,
    ([x], { height, width, mode: [align, half] }) => tf.image.resizeBilinear(x as X4, [height, width], align, half),
    PRODUCTS,
  ),
  opCase('image.resizeNearestNeighbor', resizes, ([x], { height, width, mode: [align, half] }) =>
    tf.image.resizeNearestNeighbor(x as X4, [height, width], align, half),
  ),
  opCase(
    'image.cropAndResize',
    only(fc.tuple(float([2, 5, 6, 2]), boxes)),
    ([x, where]) =>
      tf.image.cropAndResize(x as X4, where as tf.Tensor2D, tf.tensor1d([0, 1, 1], 'int32'), [3, 2], 'bilinear', -1),
    PRODUCTS,
  ),
  opCase('image.flipLeftRight', only(float([2, 3, 4, 2])), ([x]) => tf.image.flipLeftRight(x as X4)),
  opCase('complex, real, imag', only(fc.tuple(float([2, 3]), float([2, 3]))), ([re, im]) => {
    const z = tf.complex(re!, im!);
    return [tf.real(z), tf.imag(z), tf.abs(z)];
  }),
  opCase(
    'fft, ifft',
    only(fc.tuple(float([2, 4]), float([2, 4]))),
    ([re, im]) => {
      const spectrum = tf.fft(tf.complex(re!, im!));
      const back = tf.ifft(spectrum);
      return [tf.real(spectrum), tf.imag(spectrum), tf.real(back), tf.imag(back)];
    },
    PRODUCTS,
  ),
];
