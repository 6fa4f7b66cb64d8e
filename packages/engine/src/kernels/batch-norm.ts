import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import { DataType } from '../capi/data-type.js';
import { boolAttr, FLOAT, ops, stringAttr, typeAttr } from './ops.js';

/**
 * x a + b for x [N,C], a and b [C], as a batch normalization with mean 0 and variance 1: one pass, which under mixed
 * precision reads and writes bfloat16, while a, b and the sum are float32.
 */
export function scaleAndShift(x: tf.Tensor2D, a: tf.Tensor1D, b: tf.Tensor1D): tf.Tensor2D {
  const [N, C] = x.shape;
  const attrs = [
    FLOAT,
    typeAttr('U', DataType.float),
    { name: 'epsilon', type: AttrKind.float, value: 0 },
    stringAttr('data_format', 'NHWC'),
    boolAttr('is_training', false),
  ];
  const inputs = [tf.reshape(x, [1, N, 1, C]), a, b, tf.zeros([C]), tf.ones([C])];
  // The other four results belong to training. In this form of the operation all have shapes that are known.
  const [y] = ops('FusedBatchNormV2', attrs, inputs, 5);
  return tf.reshape(y!, [N, C]);
}
