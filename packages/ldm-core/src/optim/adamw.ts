import * as tf from '@tensorflow/tfjs-core';
import { runKernelOr } from '../nn/kernel.js';
import type { AdamUpdateAttrs } from '../nn/kernel-contracts.js';
import { Params } from '../nn/params.js';
import { tidyTree } from '../nn/tensor-tree.js';
import type { UpdatePlan, UpdateSettings } from './rules.js';

/** What Adam remembers between steps. Moments are keyed by parameter name, so the trained subset may change. */
export interface OptimState {
  /** Steps taken so far, int32 or float32. */
  readonly step: tf.Scalar;
  /** Mean of the gradients, of the parameters' shapes. */
  readonly m: Params;
  /** Mean of their squares. */
  readonly v: Params;
}

/** Zero moments for the parameters of a plan. The caller owns them. */
export function initOptimState(params: Params, plan: UpdatePlan): OptimState {
  const zeros = () => params.filter((key) => plan.has(key)).map((tensor) => tf.zerosLike(tensor));
  return { step: tf.scalar(0, 'int32'), m: zeros(), v: zeros() };
}

/** Options of `adamStep`. */
export interface AdamStepOptions {
  /** Factor of every learning rate (a schedule's value), as a tensor where the step is traced; 1 by default. */
  readonly lrScale?: number | tf.Scalar;
}

/**
 * One step of Adam (Kingma and Ba 2015, algorithm 1) with decoupled weight decay (Loshchilov and Hutter 2019,
 * algorithm 2), in PyTorch's order: with t the step's number from 1,
 * p <- p (1 - lr wd); m <- m + (1 - beta1)(g - m); v <- beta2 v + (1 - beta2) g^2;
 * p <- p - lr / (1 - beta1^t) m / (sqrt(v) / sqrt(1 - beta2^t) + epsilon).
 * Adam is the same with weight decay 0.
 *
 * Parameters without a gradient or not in the plan are left as they are, without decay; their tensors are handed on. One
 * parameter is updated after the other, so temporaries are those of the largest one; in the order of the gradients, so that a
 * traced step uses one, and frees it, before the next one comes (see `valueAndGrads`).
 *
 * @returns new weights and state; the old ones stay the caller's (see `disposeReplaced`)
 * @throws Error if a parameter to be updated has no moments or a gradient of another shape
 */
export function adamStep(
  params: Params,
  grads: Params,
  state: OptimState,
  plan: UpdatePlan,
  { lrScale = 1 }: AdamStepOptions = {},
): { params: Params; state: OptimState } {
  return tidyTree(() => {
    const step = tf.add(state.step, tf.scalar(1, state.step.dtype === 'int32' ? 'int32' : 'float32')) as tf.Scalar;
    const scalarsOf = sharedScalars(tf.cast(step, 'float32'), lrScale);
    const next = { params: new Params(params), m: new Params(state.m), v: new Params(state.v) };
    for (const [key, grad] of grads) {
      const [param, settings] = [params.get(key), plan.get(key)];
      if (param === undefined || settings === undefined) continue;
      const [m, v] = [state.m.get(key), state.v.get(key)];
      if (m === undefined || v === undefined) {
        throw new Error(`adamStep: no moments for '${key}'; make the state with initOptimState and this plan`);
      }
      if (!tf.util.arraysEqual(grad.shape, param.shape)) {
        throw new Error(`adamStep: the gradient of '${key}' is [${grad.shape}], the parameter is [${param.shape}]`);
      }
      const updated = adamUpdate({ param, m, v, grad, ...scalarsOf(settings) }, roundedBetas(settings));
      next.params.set(key, updated.param);
      next.m.set(key, updated.m);
      next.v.set(key, updated.v);
    }
    return { params: next.params, state: { step, m: next.m, v: next.v } };
  });
}

/**
 * The decay rates as float32. A kernel that computes 1 - beta2 in float32 gets 0.00099998713 for 0.999; rounding first, and
 * correcting the bias by the rounded rate, makes the moments a true mean again, the same in every kernel.
 */
function roundedBetas({ betas: [beta1, beta2] }: UpdateSettings): AdamUpdateAttrs {
  return { beta1: Math.fround(beta1), beta2: Math.fround(beta2) };
}

type AdamScalars = { lr: tf.Scalar; epsilon: tf.Scalar; decay: tf.Scalar };
type AdamInputs = { param: tf.Tensor; m: tf.Tensor; v: tf.Tensor; grad: tf.Tensor } & AdamScalars;

/**
 * The kernel `AdamUpdate`: param' = (1 - decay) param - lr m' / (sqrt(v') + epsilon). With lr = rate sqrt(1 - beta2^t) /
 * (1 - beta1^t) and epsilon scaled by sqrt(1 - beta2^t) this is the step above, the fraction expanded by that root.
 */
function adamUpdate(inputs: AdamInputs, attrs: AdamUpdateAttrs): { param: tf.Tensor; m: tf.Tensor; v: tf.Tensor } {
  const [param, m, v] = runKernelOr('AdamUpdate', inputs, attrs, () => {
    const { beta1, beta2 } = attrs;
    return tf.tidy(() => {
      const { param, m, v, grad, lr, epsilon, decay } = inputs;
      const newM = tf.add(m, tf.mul(tf.sub(grad, m), 1 - beta1));
      const newV = tf.add(tf.mul(v, beta2), tf.mul(tf.square(grad), 1 - beta2));
      const change = tf.div(tf.mul(newM, lr), tf.add(tf.sqrt(newV), epsilon));
      return [tf.sub(tf.mul(param, tf.sub(1, decay)), change), newM, newV];
    });
  });
  return { param: param!, m: m!, v: v! };
}

/** The three scalars of `AdamUpdate`, computed once for each distinct setting. */
function sharedScalars(t: tf.Tensor, lrScale: number | tf.Scalar): (settings: UpdateSettings) => AdamScalars {
  const made = new Map<string, AdamScalars>();
  return (settings) => {
    const { lr, epsilon, weightDecay } = settings;
    const { beta1, beta2 } = roundedBetas(settings);
    const name = JSON.stringify([lr, beta1, beta2, epsilon, weightDecay]);
    let scalars = made.get(name);
    if (scalars === undefined) {
      // 1 - beta^t as -expm1(t log beta): no cancellation in the first steps, where beta^t is close to 1.
      const correction1 = tf.neg(tf.expm1(tf.mul(t, Math.log(beta1))));
      const root2 = tf.sqrt(tf.neg(tf.expm1(tf.mul(t, Math.log(beta2)))));
      const rate = tf.mul(lr, lrScale);
      scalars = {
        lr: tf.mul(rate, tf.div(root2, correction1)) as tf.Scalar,
        epsilon: tf.mul(root2, epsilon) as tf.Scalar,
        // A plain 0 where there is none, so that a kernel can see it and leave the pass out.
        decay: weightDecay === 0 ? tf.scalar(0) : (tf.mul(rate, weightDecay) as tf.Scalar),
      };
      made.set(name, scalars);
    }
    return scalars;
  };
}
