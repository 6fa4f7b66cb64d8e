import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../backend.js';
import { DataType } from '../capi/data-type.js';
import { boolAttr, FLOAT, op, typeAttr } from './ops.js';

/** Mean in float32, of integers too; upstream's kernel casts those but still announces integers, which TensorFlow refuses. */
export const mean: tf.KernelConfig = {
  kernelName: tf.Mean,
  backendName: BACKEND_NAME,
  kernelFunc: ({ inputs, attrs }) => {
    const x = inputs.x as tf.Tensor;
    const { axis, keepDims } = attrs as unknown as tf.MeanAttrs;
    const axes = tf.util.parseAxisParam(axis, x.shape);
    return tf.tidy(() =>
      op(
        'Mean',
        [FLOAT, boolAttr('keep_dims', keepDims), typeAttr('Tidx', DataType.int32)],
        [tf.cast(x, 'float32'), tf.tensor1d(axes, 'int32')],
      ),
    );
  },
};
