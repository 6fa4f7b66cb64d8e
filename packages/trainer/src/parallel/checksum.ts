import * as tf from '@tensorflow/tfjs-core';

/**
 * One 32-bit number for many tensors: the hash of each one's sum and sum of squares. Tensors of equal bits give equal
 * numbers on equal devices; it takes one pass over them, and only two numbers of each leave the device.
 */
export async function checksum(tensors: Iterable<tf.Tensor>): Promise<number> {
  const sums = tf.tidy(() => {
    const all = [...tensors].flatMap((tensor) => {
      const values = tf.cast(tensor, 'float32');
      return [tf.sum(values), tf.sum(tf.square(values))];
    });
    return all.length === 0 ? tf.zeros([1]) : tf.stack(all);
  });
  const words = new Int32Array((await sums.data()).slice().buffer);
  sums.dispose();
  let hash = 0x811c9dc5;
  for (const word of words) {
    hash = Math.imul(hash ^ word, 0x01000193);
    hash ^= hash >>> 15;
  }
  return hash | 0;
}
