import * as tf from '@tensorflow/tfjs-core';
import { type InfluenceSchedule, scheduleFactor } from './influence-schedule.js';

/** How much say one collaborator gets, beyond what its dynamic diffuser asks for. Plain data. */
export interface InfluenceRule {
  /** Unique among the collaborators, e.g. `text`. */
  readonly name: string;
  /** Gets what the scheduled ones leave. Exactly one collaborator does; in the original it is text. */
  readonly remainder?: boolean | undefined;
  /** Factor on the influence, before all are divided by their sum; null: 1. */
  readonly scale?: number | null | undefined;
  /** How the influence falls over time; null: it does not. A remainder has none. */
  readonly schedule?: InfluenceSchedule | null | undefined;
}

/** What is done to all influence maps. Plain data. */
export interface InfluenceOptions {
  /** A second softmax over the weights, for two collaborators. Default false. */
  readonly softmaxTwice?: boolean | undefined;
  /** Factor on the weights before the second softmax: above 1 it sharpens. Default 1. */
  readonly boostFactor?: number | undefined;
  /**
   * false: the plain softmax; schedules, scales and the second softmax are passed over. Default true. A scalar [], 0 or 1,
   * instead: one traced step then does either.
   */
  readonly ruled?: boolean | tf.Scalar | undefined;
}

/**
 * Refuses rules that have no meaning.
 * @throws RangeError naming the collaborator and the rule
 */
export function checkRules(
  rules: readonly InfluenceRule[],
  { softmaxTwice = false, boostFactor = 1 }: InfluenceOptions,
) {
  const names = rules.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw new RangeError(`influence: '${twice}' is the name of two collaborators`);
  const remainders = rules.filter(({ remainder }) => remainder);
  if (remainders.length !== 1) {
    const got = remainders.length === 0 ? 'none' : remainders.map(({ name }) => `'${name}'`).join(' and ');
    throw new RangeError(
      `influence: the remainder is ${got} of ${names.map((name) => `'${name}'`).join(', ') || 'no collaborators'}; ` +
        'wanted exactly one, e.g. text',
    );
  }
  for (const { name, remainder, scale, schedule } of rules) {
    if (remainder && schedule) {
      throw new RangeError(
        `influence: '${name}' is the remainder, which gets what the others leave; its schedule '${schedule}' would have no effect`,
      );
    }
    if (scale != null && !(Number.isFinite(scale) && scale >= 0)) {
      throw new RangeError(`influence: the scale of '${name}' is ${scale}, wanted a number of at least 0`);
    }
  }
  if (softmaxTwice && rules.length !== 2) {
    throw new RangeError(
      `influence: softmaxTwice is for two collaborators, and there are ${rules.length} (${names.join(', ')}); turn it off`,
    );
  }
  if (!Number.isFinite(boostFactor)) {
    throw new RangeError(`influence: boostFactor is ${boostFactor}, wanted a number`);
  }
}

/**
 * The influence of each collaborator at each pixel (Huang et al., CVPR 2023), changed by the rules in the original's
 * order: softmax over the collaborators; schedules, the remainder taking 1 minus the others; scales, then division by the
 * sum; a second softmax.
 *
 * Weights of all collaborators add up to 1 at every pixel.
 * @param logits of the dynamic diffusers, each [B,H,W,1], in the order of `rules`
 * @param t timesteps [B]; schedules read the first
 * @returns weights, each [B,H,W,1], in the order of `rules`
 * @throws RangeError for rules without a meaning, or another number of maps than rules
 */
export function influenceMaps(
  logits: readonly tf.Tensor4D[],
  rules: readonly InfluenceRule[],
  t: tf.Tensor1D,
  options: InfluenceOptions = {},
): tf.Tensor4D[] {
  checkRules(rules, options);
  if (logits.length !== rules.length) {
    throw new RangeError(`influence: ${logits.length} maps of logits for ${rules.length} collaborators`);
  }
  const { softmaxTwice = false, boostFactor = 1, ruled = true } = options;
  return tf.tidy(() => {
    const plain = softmaxOver(logits);
    if (ruled === false) return plain;
    const weights = rescaled(scheduled(plain, rules, t), rules);
    const changed = softmaxTwice
      ? softmaxOver(weights.map((weight) => tf.mul<tf.Tensor4D>(weight, boostFactor)))
      : weights;
    return ruled === true ? changed : changed.map((weight, i) => either(ruled, weight, plain[i]!));
  });
}

/** The first where the scalar is 1, the second where it is 0; exactly, since a product with 0 or 1 is. */
const either = (first: tf.Scalar, a: tf.Tensor4D, b: tf.Tensor4D): tf.Tensor4D =>
  tf.add(tf.mul(a, first), tf.mul(b, tf.sub(1, first)));

/** Softmax over maps [B,H,W,1], pixel by pixel. */
function softmaxOver(maps: readonly tf.Tensor4D[]): tf.Tensor4D[] {
  return tf.split(tf.softmax(tf.concat([...maps], 3), 3), maps.length, 3) as tf.Tensor4D[];
}

function scheduled(weights: readonly tf.Tensor4D[], rules: readonly InfluenceRule[], t: tf.Tensor1D): tf.Tensor4D[] {
  if (!rules.some(({ schedule }) => schedule)) return [...weights];
  const others = weights.map((weight, i) => {
    const { schedule } = rules[i]!;
    return schedule ? tf.mul<tf.Tensor4D>(weight, scheduleFactor(schedule, t)) : weight;
  });
  const taken = others.filter((_, i) => !rules[i]!.remainder);
  const left = taken.reduce<tf.Tensor4D>((rest, weight) => tf.sub(rest, weight), tf.onesLike(weights[0]!));
  return others.map((weight, i) => (rules[i]!.remainder ? left : weight));
}

function rescaled(weights: readonly tf.Tensor4D[], rules: readonly InfluenceRule[]): tf.Tensor4D[] {
  if (rules.every(({ scale }) => scale == null)) return [...weights];
  const scaled = weights.map((weight, i) => tf.mul<tf.Tensor4D>(weight, rules[i]!.scale ?? 1));
  const sum = scaled.reduce((total, weight) => tf.add(total, weight));
  return scaled.map((weight) => tf.div<tf.Tensor4D>(weight, sum));
}
