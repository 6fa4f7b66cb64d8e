import { adamStep, clipByGlobalNorm, initOptimState, Params, tidyTree, type UpdatePlan } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { OptimGroup, StepControl, UpdateOptions } from './train-state.js';

/** A group at its start. It takes over `params` and owns fresh moments. */
export function initGroup(params: Params, plan: UpdatePlan, { accumulate = 1 }: UpdateOptions): OptimGroup {
  if (!Number.isInteger(accumulate) || accumulate < 1) {
    throw new Error(`initGroup: accumulate is ${accumulate}; give a whole number of batches from 1 on`);
  }
  const grads = accumulate > 1 ? params.map((tensor) => tf.zeros(tensor.shape)) : new Params();
  return { params, optim: initOptimState(params, plan), grads };
}

/**
 * Take the gradients of one batch: add their share to what has been added up, and step if this batch is an update. Every
 * batch counts as 1/accumulate of the mean, also in a last group of fewer, as in the original's trainer.
 * @param name of the group
 * @returns the group after it, and the norm of the gradients before clipping, if they are clipped and used
 */
export function applyGradients(
  name: string,
  group: OptimGroup,
  grads: Params,
  plan: UpdatePlan,
  { update, lrScale }: Pick<StepControl, 'update' | 'lrScale'>,
  { accumulate = 1, clipNorm, l2 = 0, replicas }: UpdateOptions,
): { group: OptimGroup; norm?: tf.Scalar } {
  return tidyTree(() => {
    const sum =
      accumulate === 1 ? grads : grads.map((grad, key) => tf.add(group.grads.of({ key }), tf.div(grad, accumulate)));
    if (!update) return { group: { ...group, grads: group.grads.merge(sum) } };
    // Between updates each process adds up its own.
    const mean = replicas ? replicas.mean(sum, `gradients of ${name}`) : sum;
    const clipped = clipNorm === undefined ? { grads: mean } : clipByGlobalNorm(mean, clipNorm);
    const regularised =
      l2 === 0 ? clipped.grads : clipped.grads.map((grad, key) => tf.add(grad, tf.mul(group.params.of({ key }), l2)));
    const { params, state } = adamStep(group.params, regularised, group.optim, plan, { lrScale });
    const cleared = group.grads.map((tensor) => tf.zerosLike(tensor));
    return {
      group: { params, optim: state, grads: cleared },
      ...('norm' in clipped ? { norm: clipped.norm } : {}),
    };
  });
}
