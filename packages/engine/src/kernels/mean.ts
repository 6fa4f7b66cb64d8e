import * as tf from '@tensorflow/tfjs-core';
import { DataType } from '../capi/data-type.js';
import { boolAttr, defineKernel, FLOAT, op, typeAttr } from './ops.js';

/** Mean in float32, of integers too; upstream's kernel casts those but still announces integers, which TensorFlow refuses. */
export const mean = defineKernel<{ x: tf.Tensor }, tf.MeanAttrs>(tf.Mean, ({ x }, { axis, keepDims }) =>
  op(
    'Mean',
    [FLOAT, boolAttr('keep_dims', keepDims), typeAttr('Tidx', DataType.int32)],
    [tf.cast(x, 'float32'), tf.tensor1d(tf.util.parseAxisParam(axis, x.shape), 'int32')],
  ),
);
