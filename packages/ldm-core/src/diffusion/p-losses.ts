import * as tf from '@tensorflow/tfjs-core';
import { extract } from './extract.js';
import type { Parameterization } from './parameterization.js';
import { velocity } from './predictions.js';
import type { Schedule } from './schedule.js';

/** The distances between target and prediction: mean absolute or mean squared error. */
export const lossTypes = ['l1', 'l2'] as const;

/** A name from {@link lossTypes}. */
export type LossType = (typeof lossTypes)[number];

/** How a diffusion model is trained; names and defaults are the original's constructor arguments. */
export interface ObjectiveOptions {
  /** Default: the schedule's. */
  readonly parameterization?: Parameterization | undefined;
  /** Default `l2`. */
  readonly lossType?: LossType | undefined;
  /** Weight of the simple loss, default 1. */
  readonly lSimpleWeight?: number | undefined;
  /** Weight of the variational bound, default 0. */
  readonly originalElboWeight?: number | undefined;
}

/** One batch of the loss; all of it is given, nothing is drawn inside. */
export interface LossInputs {
  /** Clean latents [B,H,W,C]. */
  readonly x0: tf.Tensor4D;
  /** Steps, int32 [B]. */
  readonly t: tf.Tensor1D;
  /** Standard normal [B,H,W,C]. */
  readonly noise: tf.Tensor4D;
  /** What the network said at (x_t, t) [B,H,W,C], x_t from {@link qSample} of the same three. */
  readonly output: tf.Tensor4D;
  /**
   * Log-variance of each step's loss: one number for all, or a tensor [T]. A tensor is a learned one: it appears among
   * the components. Default 0.
   */
  readonly logvar?: number | tf.Tensor1D | undefined;
}

/** The loss to minimise and its parts: scalars, each the caller's to dispose. */
export interface DiffusionLosses {
  /** What is minimised: lSimpleWeight mean(e/exp(logvar_t) + logvar_t) + originalElboWeight lossVlb. */
  readonly loss: tf.Scalar;
  /** Batch mean of e, each sample's mean error over H, W, C. */
  readonly lossSimple: tf.Scalar;
  /** The same weighted by the schedule's `lvlbWeights`. */
  readonly lossVlb: tf.Scalar;
  /** mean(e/exp(logvar_t) + logvar_t); only where logvar is learned. */
  readonly lossGamma?: tf.Scalar;
  /** Mean of the learned logvar. */
  readonly logvar?: tf.Scalar;
}

/**
 * The training loss of a batch: DDPM (arXiv 2006.11239) equation 14, with the optional bound of equation 12.
 * Differentiable in `output` and `logvar`, traceable.
 */
export function pLosses(schedule: Schedule, inputs: LossInputs, options: ObjectiveOptions = {}): DiffusionLosses {
  const { x0, t, noise, output, logvar = 0 } = inputs;
  const {
    parameterization = schedule.parameterization,
    lossType = 'l2',
    lSimpleWeight = 1,
    originalElboWeight = 0,
  } = options;
  const learned = typeof logvar !== 'number';
  return tf.tidy((): DiffusionLosses & tf.TensorContainerObject => {
    const difference = tf.sub(lossTarget(schedule, parameterization, x0, t, noise), output);
    const perSample = tf.mean<tf.Tensor1D>(lossType === 'l1' ? tf.abs(difference) : tf.square(difference), [1, 2, 3]);
    const logvarT = learned ? tf.gather(logvar, t) : logvar;
    const lossGamma = tf.mean<tf.Scalar>(tf.add(tf.div(perSample, tf.exp(logvarT)), logvarT));
    const lossVlb = tf.mean<tf.Scalar>(tf.mul(tf.reshape(extract(schedule.lvlbWeights, t), [-1]), perSample));
    return {
      loss: tf.add(tf.mul(lossGamma, lSimpleWeight), tf.mul(lossVlb, originalElboWeight)),
      lossSimple: tf.mean<tf.Scalar>(perSample),
      lossVlb,
      ...(learned ? { lossGamma, logvar: tf.mean<tf.Scalar>(logvar) } : {}),
    };
  });
}

/** The components under the names that the original logs: `train/loss_simple`, `val/loss`, ... The tensors are shared. */
export function loggedLosses(losses: DiffusionLosses, split: 'train' | 'val'): Record<string, tf.Scalar> {
  const { lossSimple, lossGamma, logvar, lossVlb, loss } = losses;
  return {
    [`${split}/loss_simple`]: lossSimple,
    ...(lossGamma && logvar ? { [`${split}/loss_gamma`]: lossGamma, logvar } : {}),
    [`${split}/loss_vlb`]: lossVlb,
    [`${split}/loss`]: loss,
  };
}

/** What the network should say: the noise, x_0 or v. @returns [B,H,W,C] */
function lossTarget(
  schedule: Schedule,
  parameterization: Parameterization,
  x0: tf.Tensor4D,
  t: tf.Tensor1D,
  noise: tf.Tensor4D,
): tf.Tensor4D {
  switch (parameterization) {
    case 'eps':
      return noise;
    case 'x0':
      return x0;
    case 'v':
      return velocity(schedule, x0, t, noise);
  }
}
