import { adamStep, type OptimState, Params, type UpdatePlan } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Optimizer } from '../cases/case-form.js';

/** The update plan of an optimizer of the original for some parameters. */
export function planOf(optimizer: Optimizer, keys: Iterable<string>): UpdatePlan {
  const { kind, lr, betas, eps: epsilon, weight_decay } = optimizer;
  // Adam's decay is no decoupled one: `optimize` adds it to the gradient.
  const settings = { lr, betas, epsilon, weightDecay: kind === 'AdamW' ? weight_decay : 0 };
  return new Map([...keys].map((key) => [key, settings]));
}

/** One step of an optimizer of the original. Old tensors stay the caller's. */
export function optimize(
  optimizer: Optimizer,
  params: Params,
  grads: Params,
  state: OptimState,
  plan: UpdatePlan,
): { params: Params; state: OptimState } {
  const { kind, weight_decay: decay } = optimizer;
  const regularised =
    kind === 'Adam' && decay > 0
      ? new Params([...grads].map(([key, grad]) => [key, tf.add(grad, tf.mul(params.get(key)!, decay))]))
      : grads;
  return adamStep(params, regularised, state, plan);
}
