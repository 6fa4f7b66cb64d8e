import * as tf from '@tensorflow/tfjs-core';
import { defineOp } from './kernel.js';

const upsampleOp = defineOp({
  name: 'UpsampleNearest2x',
  gradName: 'UpsampleNearest2xGrad',
  inputs: ['x'],
  gradInputs: [],
  forward: ({ x }) => {
    const image = x as tf.Tensor4D;
    return tf.image.resizeNearestNeighbor(image, [2 * image.shape[1], 2 * image.shape[2]]);
  },
  backward: (dy) => [sum2x(dy as tf.Tensor4D)],
});

/** Every pixel becomes a 2x2 square. @param x [B,H,W,C] @returns [B,2H,2W,C] */
export function upsampleNearest2x(x: tf.Tensor4D): tf.Tensor4D {
  return upsampleOp({ x }, {}) as tf.Tensor4D;
}

/** Sum of each 2x2 square, the transpose of enlarging; dividing by 4 and multiplying again is exact. @param x [B,2H,2W,C] @returns [B,H,W,C] */
export function sum2x(x: tf.Tensor4D): tf.Tensor4D {
  return tf.mul(avgPool2x(x), 4);
}

/** Mean of each 2x2 square; a last odd row or column is dropped. @param x [B,H,W,C] @returns [B,H/2,W/2,C] */
export function avgPool2x(x: tf.Tensor4D): tf.Tensor4D {
  return tf.avgPool(x, 2, 2, 'valid');
}
