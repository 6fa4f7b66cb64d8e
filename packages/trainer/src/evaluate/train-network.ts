import {
  adamDefaults,
  adamStep,
  initOptimState,
  initParams,
  type OptimState,
  type ParamSpec,
  type Params,
  planUpdates,
  Rng,
  tidyTree,
  valueAndGrad,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { seededDraws, shuffled } from '../data/draws.js';
import type { Compile } from '../steps/consume.js';
import { augment } from './augment.js';
import { type DrawnBatch, type DrawnSet, drawnBatch } from './drawn-set.js';

/** A network of drawings, as training needs it. */
export interface TrainedNetwork {
  readonly specs: ReadonlyMap<string, ParamSpec>;
  /** @param batch its images are augmented already @returns mean cross-entropy, a scalar */
  loss(p: Params, batch: DrawnBatch): tf.Scalar;
}

/** How it is trained. */
export interface NetworkTraining {
  readonly steps: number;
  readonly batchSize: number;
  /** Highest learning rate: reached after 100 steps, falling to 0 along a cosine. */
  readonly learningRate: number;
  readonly seed: number;
  readonly compile: Compile;
  /** Told every 20 steps: the mean loss since. */
  readonly onStep?: (done: number, loss: number) => void;
  readonly signal?: AbortSignal;
}

const WARM_UP = 100;
const TELL_EVERY = 20;

/**
 * Train a network on drawings, in memory and without checkpoints: it takes minutes.
 * @returns the weights, which the caller owns
 * @throws the signal's reason once it is aborted
 */
export async function trainNetwork(
  network: TrainedNetwork,
  drawings: DrawnSet,
  { steps, batchSize, learningRate, seed, compile, onStep, signal }: NetworkTraining,
): Promise<Params> {
  const plan = planUpdates(network.specs, [{ match: /./, lr: learningRate }], adamDefaults);
  const step = compile(
    (state: { params: Params; optim: OptimState }, batch: DrawnBatch, lrScale: tf.Scalar, seed: tf.Tensor1D) =>
      tidyTree(() => {
        const images = augment(batch.images, Rng.from(seed));
        const { value, grads } = valueAndGrad((p) => network.loss(p, { ...batch, images }), state.params);
        const { params, state: optim } = adamStep(state.params, grads, state.optim, plan, { lrScale });
        return { state: { params, optim }, loss: value };
      }),
    { name: 'evaluator step', state: 0 },
  );
  const params = initParams(network.specs, seed);
  let state = { params, optim: initOptimState(params, plan) };
  const rows = epochs(drawings.facts.length, seed);
  const forget = (): void => tf.dispose([state.optim.step, ...state.optim.m.values(), ...state.optim.v.values()]);
  let losses: tf.Scalar[] = [];
  for (let done = 0; done < steps; ) {
    if (signal?.aborted) {
      forget();
      tf.dispose([...state.params.values(), ...losses]);
      throw signal.reason;
    }
    const batch = drawnBatch(
      drawings,
      Array.from({ length: batchSize }, () => rows.next().value),
    );
    const lrScale = tf.scalar(scaleAt(done, steps));
    const draws = Rng.of(seed).split('augment').split(done).toTensor();
    const result = step(state, batch, lrScale, draws);
    state = result.state;
    losses.push(result.loss);
    tf.dispose([lrScale, draws, ...Object.values(batch)]);
    if (++done % TELL_EVERY !== 0 && done !== steps) continue;
    const values = await Promise.all(losses.map((loss) => loss.data()));
    tf.dispose(losses);
    onStep?.(done, values.reduce((sum, [value]) => sum + value!, 0) / values.length);
    losses = [];
  }
  forget();
  return state.params;
}

/** Factor of the learning rate. */
const scaleAt = (step: number, steps: number): number =>
  Math.min(1, (step + 1) / WARM_UP) * 0.5 * (1 + Math.cos((Math.PI * step) / steps));

/** Rows in random order, without end. */
function* epochs(n: number, seed: number): Generator<number, never> {
  for (let epoch = 0; ; epoch++) yield* shuffled(n, seededDraws(seed, 'evaluator', epoch));
}

/** Mean cross-entropy in nats. @param logits [..., K] @param classes int32 [...] */
export function crossEntropy(logits: tf.Tensor, classes: tf.Tensor): tf.Scalar {
  const K = logits.shape[logits.rank - 1]!;
  const rows = tf.reshape<tf.Rank.R2>(logits, [-1, K]);
  const wanted = tf.cast(tf.oneHot(tf.reshape<tf.Rank.R1>(classes, [-1]), K), 'float32');
  return tf.neg(tf.mean(tf.sum(tf.mul(wanted, tf.logSoftmax(rows)), 1))) as tf.Scalar;
}
