import * as tf from '@tensorflow/tfjs-core';
import type { Parameterization } from './parameterization.js';
import type { Schedule } from './schedule.js';

/** Where a sampler stands when it calls the model. */
export interface DenoiseStep {
  /** Steps still to come after this one: counts down to 0. */
  readonly index: number;
  /** Steps of this run. */
  readonly total: number;
  /** 0 for the first call of the step; 1 for the second that Heun, and the first step of PLMS, make. */
  readonly call: number;
}

/**
 * A model as samplers see it: x_t and its timestep to the predicted noise. Weights, condition, guidance and the
 * collaboration of several models are closed over.
 *
 * The result belongs to the sampler. What a synchronous denoiser allocates besides is freed for it; an asynchronous one
 * frees its own.
 * @param x [B,H,W,C], not to be disposed @param t timestep of the whole batch, 0..T-1 @returns eps [B,H,W,C]
 */
export type Denoise = (x: tf.Tensor4D, t: number, step: DenoiseStep) => tf.Tensor4D | Promise<tf.Tensor4D>;

/**
 * Call a model, and free what a synchronous one leaves behind. `tf.tidy` will not do for this: it frees what a promise may
 * still need, and only the call tells which kind of model it is.
 * @param call the model applied to `x`
 * @returns its result, always a tensor of its own, of the shape of `x` [B,H,W,C]
 * @throws RangeError if the result has another shape
 */
export async function evaluate(call: () => tf.Tensor4D | Promise<tf.Tensor4D>, x: tf.Tensor4D): Promise<tf.Tensor4D> {
  const output = await callInScope(call);
  if (output === x) return tf.clone(x);
  if (output.shape.join() === x.shape.join()) return output;
  output.dispose();
  throw new RangeError(`denoise: the model's output is [${output.shape}] for x [${x.shape}]; wanted the same shape`);
}

function callInScope(call: () => tf.Tensor4D | Promise<tf.Tensor4D>): tf.Tensor4D | Promise<tf.Tensor4D> {
  const engine = tf.engine();
  engine.startScope('denoise');
  let kept: tf.Tensor[] = [];
  try {
    const result = call();
    kept = result instanceof tf.Tensor ? [result] : [...engine.state.activeScope.track];
    return result;
  } finally {
    engine.endScope(kept);
  }
}

/**
 * A denoiser from a network that predicts x_0 or v. eps = (x - √ᾱ x_0)/√(1-ᾱ); eps = √ᾱ v + √(1-ᾱ) x (arXiv 2202.00512,
 * section 4).
 * @param predict the network: as {@link Denoise}, but its result is what `parameterization` says
 */
export function denoiserOf(predict: Denoise, parameterization: Parameterization, schedule: Schedule): Denoise {
  if (parameterization === 'eps') return predict;
  return async (x, t, step) => {
    const output = await evaluate(() => predict(x, t, step), x);
    const signal = schedule.sqrtAlphasCumprod[t]!;
    const noise = schedule.sqrtOneMinusAlphasCumprod[t]!;
    const eps = tf.tidy(() =>
      parameterization === 'v'
        ? tf.add(tf.mul(output, signal), tf.mul(x, noise))
        : tf.div(tf.sub(x, tf.mul(output, signal)), noise),
    );
    output.dispose();
    return eps as tf.Tensor4D;
  };
}
