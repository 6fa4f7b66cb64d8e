import * as tf from '@tensorflow/tfjs-core';
import type { HostValues } from '../nn/file-layout.js';
import type { ParamSpec } from '../nn/scope.js';

/** Make a tensor of the values of a parameter, in the order that its memory has. */
export type Upload = (values: HostValues, spec: Pick<ParamSpec, 'shape' | 'dtype' | 'file' | 'factor'>) => tf.Tensor;

/**
 * Like `tf.tensor`, but the backend takes the values now. Some backends wait for the first operation; of a whole model's
 * weights they would then hold every value twice for a while.
 */
export const uploadNow: Upload = (values, { shape, dtype }) => {
  const tensor = tf.tensor(values, [...shape], dtype);
  if (tensor.size > 0) tf.dispose(tf.tidy(() => tf.slice(tf.reshape(tensor, [-1]), [0], [1])));
  return tensor;
};

/** More elements than backends leave to the CPU for their smallness. */
const PROBE = 4096;

/**
 * Whether the current backend has copied an array once {@link uploadNow} returns, so that the array may be used again. A
 * backend of plain JavaScript keeps the array itself. No interface says which, so it is tried.
 */
export async function copiesAtOnce(): Promise<boolean> {
  const values = new Float32Array(PROBE).fill(1);
  const tensor = uploadNow(values, { shape: [PROBE], dtype: 'float32' });
  values.fill(2);
  const seen = await tensor.data();
  tensor.dispose();
  return seen.every((value) => value === 1);
}
