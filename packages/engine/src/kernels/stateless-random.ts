import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../backend.js';
import { DataType } from '../capi/data-type.js';
import { op, typeAttr } from './ops.js';

const SHAPE_AND_SEED = [typeAttr('T', DataType.int32), typeAttr('Tseed', DataType.int32)];

/** A kernel that draws with TensorFlow's operation of the same name; seed is int32 [2], and may be an argument. */
function floatDraws(kernelName: 'StatelessRandomNormal' | 'StatelessRandomUniform'): tf.KernelConfig {
  return {
    kernelName,
    backendName: BACKEND_NAME,
    kernelFunc: ({ inputs, attrs }) =>
      tf.tidy(() => [
        op(
          kernelName,
          [typeAttr('dtype', DataType.float), ...SHAPE_AND_SEED],
          [tf.tensor1d(attrs!.shape as number[], 'int32'), inputs!.seed!],
        ),
      ]),
  };
}

export const statelessRandomNormal = floatDraws('StatelessRandomNormal');
export const statelessRandomUniform = floatDraws('StatelessRandomUniform');

/** Integers in [low, high). */
export const statelessRandomUniformInt: tf.KernelConfig = {
  kernelName: 'StatelessRandomUniformInt',
  backendName: BACKEND_NAME,
  kernelFunc: ({ inputs, attrs }) => {
    const { shape, low, high } = attrs as unknown as { shape: number[]; low: number; high: number };
    return tf.tidy(() => [
      op(
        'StatelessRandomUniformInt',
        [typeAttr('dtype', DataType.int32), ...SHAPE_AND_SEED],
        [tf.tensor1d(shape, 'int32'), inputs!.seed!, tf.scalar(low, 'int32'), tf.scalar(high, 'int32')],
      ),
    ]);
  },
};
