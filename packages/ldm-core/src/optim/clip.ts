import * as tf from '@tensorflow/tfjs-core';
import { runKernelOr } from '../nn/kernel.js';
import type { Params } from '../nn/params.js';
import { tidyTree } from '../nn/tensor-tree.js';

/**
 * Root of the sum of all squares of all tensors. For gradients already taken: it is not itself differentiable.
 * @returns a scalar, 0 for an empty set
 */
export function globalNorm(tensors: Params): tf.Scalar {
  return tf.tidy(() => {
    const list = [...tensors.values()];
    if (list.length === 0) return tf.scalar(0);
    const inputs = Object.fromEntries(list.map((tensor, i) => [`x${i}`, tensor]));
    const [norm] = runKernelOr('GlobalNorm', inputs, {}, () => {
      const squares = list.map((tensor) => tf.tidy(() => tf.sum(tf.square(tensor))));
      return [tf.sqrt(tf.addN(squares))];
    });
    return norm as tf.Scalar;
  });
}

/**
 * Scale all gradients by min(1, maxNorm / (norm + 1e-6)), norm being that of all together (Pascanu et al. 2013; numbers as
 * torch.nn.utils.clip_grad_norm_). A norm that is not finite makes every gradient non-finite: look at `norm`.
 * @returns new gradients and the norm before clipping, a scalar [] @throws Error unless `maxNorm` is above 0
 */
export function clipByGlobalNorm(grads: Params, maxNorm: number): { grads: Params; norm: tf.Scalar } {
  if (!(maxNorm > 0)) throw new Error(`clipByGlobalNorm: maxNorm is ${maxNorm}, must be above 0`);
  return tidyTree(() => {
    const norm = globalNorm(grads);
    const factor = tf.minimum(tf.div(maxNorm, tf.add(norm, 1e-6)), 1);
    return { grads: grads.map((grad) => tf.mul(grad, factor)), norm };
  });
}
