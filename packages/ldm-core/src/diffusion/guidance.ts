import * as tf from '@tensorflow/tfjs-core';
import { type Denoise, type DenoiseStep, evaluate } from './denoise.js';

/** What a model is conditioned on: one tensor, or several by name (text and mask); the first axis is the batch. */
export type Condition = tf.Tensor | { readonly [name: string]: tf.Tensor };

/** A {@link Denoise} that still takes its condition. */
export type ConditionalDenoise<C extends Condition> = (
  x: tf.Tensor4D,
  t: number,
  condition: C,
  step: DenoiseStep,
) => tf.Tensor4D | Promise<tf.Tensor4D>;

/** Settings of {@link guided}. */
export interface Guidance<C extends Condition> {
  /** The condition, batch B. */
  readonly cond: C;
  /** The empty condition or, as a negative prompt, what to steer away from; same shapes as `cond`. */
  readonly uncond?: C | undefined;
  /** s: 0 only `uncond`, 1 only `cond`, above 1 beyond it. Default 1. */
  readonly scale?: number | undefined;
}

/**
 * Classifier-free guidance (arXiv 2207.12598): eps = eps_u + s (eps_c - eps_u), from one call with the batch doubled,
 * unconditional half first. Without `uncond` or with scale 1 it is the plain conditional model.
 * @throws RangeError if `uncond` differs from `cond` in names or shapes
 */
export function guided<C extends Condition>(denoise: ConditionalDenoise<C>, guidance: Guidance<C>): Denoise {
  const { cond, uncond, scale = 1 } = guidance;
  assertScale(scale);
  if (uncond === undefined || scale === 1) return (x, t, step) => denoise(x, t, cond, step);
  assertAlike(cond, uncond);
  return guidedPair(async (doubled, t, step) => {
    const both = joinBatches(uncond, cond);
    try {
      return await evaluate(() => denoise(doubled, t, both, step), doubled);
    } finally {
      tf.dispose(both);
    }
  }, scale);
}

/**
 * Guidance for a model that already holds both conditions in one batch, unconditional half first: what depends on the
 * condition alone (keys and values of cross-attention) is then computed once a run and not once a step.
 * @param denoiseBoth x twice [2B,H,W,C] to eps_u, eps_c [2B,H,W,C] @param scale s as in {@link Guidance}
 */
export function guidedPair(denoiseBoth: Denoise, scale: number): Denoise {
  assertScale(scale);
  return async (x, t, step) => {
    const doubled = tf.concat([x, x], 0);
    try {
      const eps = await evaluate(() => denoiseBoth(doubled, t, step), doubled);
      const mixed = tf.tidy(() => {
        const [epsUncond, epsCond] = tf.split(eps, 2, 0) as [tf.Tensor4D, tf.Tensor4D];
        return tf.add<tf.Tensor4D>(epsUncond, tf.mul(tf.sub(epsCond, epsUncond), scale));
      });
      eps.dispose();
      return mixed;
    } finally {
      doubled.dispose();
    }
  };
}

function assertScale(scale: number): void {
  if (!Number.isFinite(scale)) throw new RangeError(`guidance: scale is ${scale}, wanted a number`);
}

function entriesOf(condition: Condition): [string, tf.Tensor][] {
  return condition instanceof tf.Tensor ? [['condition', condition]] : Object.entries(condition);
}

function assertAlike(cond: Condition, uncond: Condition): void {
  const describe = (condition: Condition): string =>
    entriesOf(condition)
      .map(([name, { shape }]) => `${name} [${shape}]`)
      .sort()
      .join(', ');
  if (describe(cond) !== describe(uncond)) {
    throw new RangeError(`guidance: uncond is ${describe(uncond)}, cond is ${describe(cond)}; wanted the same shapes`);
  }
}

/** [B,...] and [B,...] → [2B,...], entry by entry. */
function joinBatches<C extends Condition>(first: C, second: C): C {
  if (first instanceof tf.Tensor) return tf.concat([first, second as tf.Tensor], 0) as C;
  const other = new Map(entriesOf(second));
  return Object.fromEntries(
    entriesOf(first).map(([name, tensor]) => [name, tf.concat([tensor, other.get(name)!], 0)]),
  ) as C;
}
