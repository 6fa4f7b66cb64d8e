import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';
import { convAttrs, convInfo } from './conv-attrs.js';
import { defineKernel, op } from './ops.js';
import { isPacked } from './packed-weights.js';
import { inRowParts, rowPartsOf } from './row-parts.js';
import { gainsByWinograd, winograd, winogradFilterGradient } from './winograd.js';

type Inputs = Record<'x' | 'filter', tf.Tensor4D>;

/** Zeros around the large image. */
const EDGE = { top: 1, bottom: 1, left: 1, right: 1 };

/**
 * Pixels, before the enlargement, from which on the transposed form is faster. On two Zen 5 cores in bfloat16 32x32 pixels of 448
 * channels take 13 instead of 16 ms and their gradients 30 instead of 42; 16x16 of 672 take 16 instead of 10. A packed filter,
 * which need not be laid out at each call and takes the bias along, is faster for longer; so much was measured with AMX.
 */
const LEAST_PIXELS = { plain: 1024, packed: 4096 } as const;

/**
 * Doubling of height and width, then a 3x3 convolution, [B,H,W,C] -> [B,2H,2W,D]. Both together are one transposed
 * convolution of stride 2, whose filter [4,4] has at each place the sum of what of the 3x3 one falls there: 16 products for
 * four outputs where the convolution takes 36, and no large image between.
 */
const atOnce = defineKernel<Inputs>('UpsampleConv2D', ({ x, filter }) => {
  if (gainsByWinograd(largeShape(x, filter), x.shape[3])) return [winograd(x, filter, EDGE, { doubled: true })];
  if (!gains(x, filter)) return [inTurn(x, filter)];
  const spread = spreadFilter(filter);
  const parts = rowPartsOf(largeShape(x, filter));
  if (parts === 1) return [transposed(x, filter, spread)];
  // Of what a part sees of the others come rows that the others compute too.
  const rows = (2 * x.shape[1]) / parts;
  return [
    inRowParts(x, { parts, height: x.shape[1], above: 1, below: 1 }, ({ rows: part, first }) => {
      const y = transposed(part, filter, spread);
      return tf.slice(y, [0, first ? 0 : 2, 0, 0], [1, rows, y.shape[2], y.shape[3]]);
    }),
  ];
});

const transposed = (x: tf.Tensor4D, filter: tf.Tensor4D, spread: tf.Tensor4D): tf.Tensor4D =>
  op('Conv2DBackpropInput', attrsOf(x, filter), [
    tf.tensor1d(largeShape(x, filter), 'int32'),
    spread,
    x,
  ]) as tf.Tensor4D;

/** The same; of a packed filter with all that it makes left to the caller's scope: the bias behind it will join it. */
export const upsampleConvolution: tf.KernelConfig = {
  ...atOnce,
  kernelFunc: (args) => {
    const { x, filter } = args.inputs as Inputs;
    return isPacked(filter) && !gains(x, filter) ? [inTurn(x, filter)] : atOnce.kernelFunc(args);
  },
};

/** Its gradients; those of the transposed form are a convolution of stride 2, and that one's gradient by its filter. */
export const upsampleConvolutionGrad = defineKernel<Inputs & { dy: tf.Tensor4D }>(
  'UpsampleConv2DGrad',
  ({ dy, x, filter }) => {
    if (gainsByWinograd(largeShape(x, filter), x.shape[3])) {
      const dx = winograd(dy, filter, EDGE, { turned: true, summed: true });
      return [dx, winogradFilterGradient(x, dy, EDGE, true)];
    }
    if (!gains(x, filter)) return gradientsInTurn(dy, x, filter);
    const attrs = attrsOf(x, filter);
    const [C, D] = [x.shape[3], filter.shape[3]];
    const spread = op('Conv2DBackpropFilter', attrs, [dy, tf.tensor1d([4, 4, D, C], 'int32'), x]) as tf.Tensor4D;
    return [op('Conv2D', attrs, [dy, spreadFilter(filter)]), gatherFilter(spread)];
  },
);

function gains({ shape: [B, H, W] }: tf.Tensor4D, filter: tf.Tensor4D): boolean {
  const { trace, runtime } = currentEngine().binding;
  if (runtime.onGpu || trace?.xla) return false;
  return B * H * W >= LEAST_PIXELS[isPacked(filter) ? 'packed' : 'plain'];
}

const inTurn = (x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor4D => tf.conv2d(enlarged(x), filter, 1, 'same');

const enlarged = (x: tf.Tensor4D): tf.Tensor4D => tf.image.resizeNearestNeighbor(x, [2 * x.shape[1], 2 * x.shape[2]]);

const largeShape = ({ shape: [B, H, W] }: tf.Tensor4D, { shape: [, , , D] }: tf.Tensor4D): number[] => [
  ...[B, 2 * H, 2 * W, D],
];

/** Of the convolution [B,2H,2W,D] -> [B,H,W,C] of stride 2 whose transpose this is. */
function attrsOf({ shape: [B, H, W, C] }: tf.Tensor4D, { shape: [, , , D] }: tf.Tensor4D) {
  return convAttrs(convInfo([B, 2 * H, 2 * W, D], [4, 4, D, C], { strides: 2, pad: 'same', dataFormat: 'NHWC' }));
}

/** Where a 3x3 filter lies in the 4x4 one: once for each pixel of a square. */
const PLACES = [
  [0, 0],
  [0, 1],
  [1, 0],
  [1, 1],
] as const;

/** [3,3,C,D] -> [4,4,D,C], turned, as transposed convolutions apply their filter. */
function spreadFilter(filter: tf.Tensor4D): tf.Tensor4D {
  const turned = tf.transpose(tf.reverse(filter, [0, 1]), [0, 1, 3, 2]);
  const placed = PLACES.map(([i, j]) =>
    tf.pad(turned, [
      [i, 1 - i],
      [j, 1 - j],
      [0, 0],
      [0, 0],
    ]),
  );
  return tf.addN(placed);
}

/** The transpose of {@link spreadFilter}: [4,4,D,C] -> [3,3,C,D]. */
function gatherFilter(spread: tf.Tensor4D): tf.Tensor4D {
  const [, , D, C] = spread.shape;
  const turned = tf.addN(PLACES.map(([i, j]) => tf.slice(spread, [i, j, 0, 0], [3, 3, D, C])));
  return tf.reverse(tf.transpose(turned, [0, 1, 3, 2]), [0, 1]);
}

function gradientsInTurn(dy: tf.Tensor4D, x: tf.Tensor4D, filter: tf.Tensor4D): tf.Tensor[] {
  const large = enlarged(x);
  const attrs = { strides: 1, pad: 'same', dataFormat: 'NHWC', dimRoundingMode: 'floor' };
  const run = (name: string, inputs: tf.NamedTensorMap, shapes: tf.NamedAttrMap): tf.Tensor4D =>
    tf.engine().runKernel(name, inputs, { ...attrs, ...shapes });
  const dLarge = run(tf.Conv2DBackpropInput, { dy, filter }, { inputShape: large.shape });
  const dFilter = run(tf.Conv2DBackpropFilter, { x: large, dy }, { filterShape: filter.shape });
  return [tf.mul(tf.avgPool(dLarge, 2, 2, 'valid'), 4), dFilter];
}
