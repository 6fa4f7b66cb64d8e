import * as tf from '@tensorflow/tfjs-core';
import { DataType, dataTypeOf } from '../capi/data-type.js';
import { defineKernel, intAttr, op, typeAttr } from './ops.js';

/**
 * Slices of x along an axis. Upstream's kernel reads the indices back to check them, which stalls the device and cannot be
 * traced; TensorFlow checks them itself on the CPU, and gives zeros for indices outside on a GPU.
 */
export const gather = defineKernel<{ x: tf.Tensor; indices: tf.Tensor }, tf.GatherV2Attrs>(
  tf.GatherV2,
  ({ x, indices }, { axis, batchDims }) => {
    const along = tf.util.parseAxisParam(axis, x.shape)[0]!;
    // Throws where the shapes do not fit.
    tf.backend_util.segment_util.collectGatherOpShapeInfo(x, indices, along, batchDims);
    return op(
      'GatherV2',
      [
        intAttr('batch_dims', batchDims),
        typeAttr('Tparams', dataTypeOf(x.dtype)),
        typeAttr('Tindices', dataTypeOf(indices.dtype)),
        typeAttr('Taxis', DataType.int32),
      ],
      [x, indices, tf.scalar(along, 'int32')],
    );
  },
);
