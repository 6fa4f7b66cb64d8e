import * as tf from '@tensorflow/tfjs-core';
import { defineOp, runKernel } from './kernel.js';
import { sum2x, upsampleNearest2x } from './upsample.js';

const CONVOLUTION = { strides: 1, pad: 'same', dataFormat: 'NHWC', dimRoundingMode: 'floor' };

const upsampleConv2dOp = defineOp({
  name: 'UpsampleConv2D',
  gradName: 'UpsampleConv2DGrad',
  inputs: ['x', 'filter'],
  gradInputs: ['x', 'filter'],
  forward: ({ x, filter }) => tf.conv2d(upsampleNearest2x(x as tf.Tensor4D), filter as tf.Tensor4D, 1, 'same'),
  backward: (dy, { x, filter }) => {
    const large = upsampleNearest2x(x as tf.Tensor4D);
    const toImage = { ...CONVOLUTION, inputShape: large.shape };
    const [dLarge] = runKernel(tf.Conv2DBackpropInput, { dy, filter }, toImage);
    const [dFilter] = runKernel(
      tf.Conv2DBackpropFilter,
      { x: large, dy },
      { ...CONVOLUTION, filterShape: filter.shape },
    );
    return [sum2x(dLarge as tf.Tensor4D), dFilter!];
  },
});

/**
 * Every pixel becomes a 2x2 square, then a 3x3 convolution with one row of zeros on each side. As one function, a backend
 * need not make the squares: of the nine products of an output, five repeat others.
 * @param x [B,H,W,C] @param w [3,3,C,D] @returns [B,2H,2W,D]
 */
export function upsampleConv2d(x: tf.Tensor4D, w: tf.Tensor4D): tf.Tensor4D {
  return upsampleConv2dOp({ x, filter: w }, {}) as tf.Tensor4D;
}
