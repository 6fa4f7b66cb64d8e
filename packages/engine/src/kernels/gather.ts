import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../backend.js';
import { DataType, dataTypeOf } from '../capi/data-type.js';
import { intAttr, op, typeAttr } from './ops.js';

/**
 * Slices of x along an axis. Upstream's kernel reads the indices back to check them, which stalls the device and cannot be
 * traced; TensorFlow checks them itself on the CPU, and gives zeros for indices outside on a GPU.
 */
export const gather: tf.KernelConfig = {
  kernelName: tf.GatherV2,
  backendName: BACKEND_NAME,
  kernelFunc: ({ inputs, attrs }) => {
    const { x, indices } = inputs as { x: tf.Tensor; indices: tf.Tensor };
    const { axis, batchDims } = attrs as unknown as tf.GatherV2Attrs;
    // Throws where the shapes do not fit.
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, axis, batchDims);
    return tf.tidy(() =>
      op(
        'GatherV2',
        [
          intAttr('batch_dims', batchDims),
          typeAttr('Tparams', dataTypeOf(x.dtype)),
          typeAttr('Tindices', dataTypeOf(indices.dtype)),
          typeAttr('Taxis', DataType.int32),
        ],
        [x, indices, tf.scalar(axis, 'int32')],
      ),
    );
  },
};
