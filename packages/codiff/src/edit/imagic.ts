import {
  adamDefaults,
  adamStep,
  type EncodedCondition,
  initOptimState,
  type LatentDiffusion,
  Params,
  qSample,
  Rng,
  type UpdatePlan,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { type NoiseDraw, type TuneResult, type TuneState, tuneStep, type Update } from './tune.js';

/** Defaults of the two stages that are tuned (original, section 4). */
export const IMAGIC_STAGES = {
  /** Stage A: the embedding. */
  embedding: { lr: 1e-3, iterations: 500 },
  /** Stage B: the UNet. */
  weights: { lr: 1e-6, iterations: 1000 },
} as const;

/** The name under which stage A keeps the embedding. */
const EMBEDDING = 'embedding';

/**
 * How badly a model reconstructs latents under a condition: the mean squared error of the noise it predicts
 * (Kawar et al., CVPR 2023, equation 2).
 * @param x0 clean latents, scaled [B,H,W,C]
 * @param rng source of dropout; without it nothing is dropped
 * @returns []
 */
export function reconstructionError(
  model: LatentDiffusion,
  p: Params,
  x0: tf.Tensor4D,
  condition: EncodedCondition,
  { t, noise }: NoiseDraw,
  rng?: Rng,
): tf.Scalar {
  return tf.tidy(() => {
    const eps = model.applyModel(p, qSample(model.schedule, x0, t, noise), t, condition, { rng });
    return tf.mean<tf.Scalar>(tf.square(tf.sub(eps, noise)));
  });
}

/** Adam without decay, at one rate for all that is tuned: the optimizer of both stages. */
export function imagicAdam(keys: Iterable<string>, lr: number): UpdatePlan {
  return new Map([...keys].map((key) => [key, { ...adamDefaults, lr }]));
}

/** The step of an optimizer by its plan. */
export const adamBy =
  (plan: UpdatePlan): Update =>
  (params, grads, optim) =>
    adamStep(params, grads, optim, plan);

/** Where stage A starts: at the target. @param target encoded condition [1,L,D], copied */
export function startEmbedding(target: tf.Tensor3D): TuneState {
  return startTuning(new Params([[EMBEDDING, target]]));
}

/** The embedding that a state of stage A holds [1,L,D]; the state's own. */
export function embeddingOf({ trained }: Pick<TuneState, 'trained'>): tf.Tensor3D {
  return trained.of<tf.Rank.R3>({ key: EMBEDDING });
}

/** A start with copies of some weights, and no memory of gradients. */
export function startTuning(weights: Params): TuneState {
  // Real copies: a clone would share memory with weights that a compiled step may overwrite.
  return takeForTuning(weights.map((tensor) => tf.tidy(() => tf.mul(tensor, tf.scalar(1)))));
}

/** The same start from the weights themselves, which change hands: a step in place then overwrites them. */
export function takeForTuning(weights: Params): TuneState {
  return { trained: weights, optim: initOptimState(weights, imagicAdam(weights.keys(), 0)) };
}

/**
 * Stage A, one iteration: the embedding moves towards what reconstructs the image; the model is frozen.
 * @param state from {@link startEmbedding} @param x0 latents of the image [1,H,W,C]
 */
export function embeddingStep(
  model: LatentDiffusion,
  state: TuneState,
  inputs: { readonly p: Params; readonly x0: tf.Tensor4D; readonly draw: NoiseDraw },
  update: Update = adamBy(imagicAdam([EMBEDDING], IMAGIC_STAGES.embedding.lr)),
): TuneResult {
  const { p, x0, draw } = inputs;
  return tuneStep((trained) => reconstructionError(model, p, x0, embeddingOf({ trained }), draw), state, update);
}

/**
 * Stage B, one iteration: the weights move towards what reconstructs the image from the embedding of stage A.
 * @param state from {@link startTuning} of the UNet's weights @param inputs.p all weights; those of the state win
 */
export function weightsStep(
  model: LatentDiffusion,
  state: TuneState,
  inputs: {
    readonly p: Params;
    readonly x0: tf.Tensor4D;
    readonly embedding: tf.Tensor3D;
    readonly draw: NoiseDraw;
  },
  update: Update = adamBy(imagicAdam(state.trained.keys(), IMAGIC_STAGES.weights.lr)),
): TuneResult {
  const { p, x0, embedding, draw } = inputs;
  // The original tunes in train mode, with dropout where the model has some.
  const rng = draw.seed && Rng.from(draw.seed);
  const loss = (trained: Params) => reconstructionError(model, p.merge(trained), x0, embedding, draw, rng);
  return tuneStep(loss, state, update);
}
