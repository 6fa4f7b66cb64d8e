import {
  adamBy,
  codiffRegistry,
  composedKey,
  embeddingOf,
  embeddingStep,
  imagicAdam,
  type NoiseDraw,
  noiseDraws,
  runTuning,
  startEmbedding,
  startTuning,
  type TuneState,
  weightsStep,
} from '@codiff/codiff';
import { compile } from '@codiff/engine';
import { buildModel, Params, Rng, roles, tensorsOf } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import type { OpenedModel } from '../open-model.js';
import { EDIT_TUNING, type EditIterations } from './edit-tuning.js';

/** What tuning one branch to an image gives. The caller owns the tensors. */
export interface EditedBranch {
  /** Encoded target [1,L,D]. */
  readonly target: tf.Tensor3D;
  /** What stage A made of it [1,L,D]. */
  readonly optimized: tf.Tensor3D;
  /** UNet after stage B, keyed as in the branch's own checkpoint. */
  readonly unet: Params;
}

/**
 * Imagic (Kawar et al., CVPR 2023) of one branch: first the embedding, then the UNet, is tuned until it reconstructs the image.
 * @param condition the branch @param target its encoded condition [1,L,D], which becomes the result's
 * @param x0 latents of the image [1,h,w,C]
 */
export async function editBranch(
  { model, params, branchConfigs }: OpenedModel,
  {
    condition,
    target,
    x0,
    root,
    seed,
  }: { condition: 'text' | 'seg_mask'; target: tf.Tensor3D; x0: tf.Tensor4D; root: string; seed: number },
  iterations: EditIterations,
  signal: AbortSignal,
): Promise<EditedBranch> {
  const config = await loadConfig(branchConfigs[condition], { registry: codiffRegistry, root });
  const { model: branch, specs } = buildModel(config, roles.latentDiffusion, codiffRegistry);
  const unet = new Params();
  for (const key of specs.keys()) {
    if (key.startsWith('model.')) unet.set(key, params.of({ key: composedKey(key, condition)! }));
  }
  const draws = (stage: string) =>
    noiseDraws(Rng.of(seed).split(condition).split(stage), x0.shape, model.schedule.timesteps);
  const adam = (state: TuneState, lr: number) => adamBy(imagicAdam(state.trained.keys(), lr));

  const embedded = startEmbedding(target);
  const embeddingUpdate = adam(embedded, EDIT_TUNING.embedding.lr);
  const tuneEmbedding = compile(
    (state: TuneState, p: Params, clean: tf.Tensor4D, draw: NoiseDraw) =>
      embeddingStep(branch, state, { p, x0: clean, draw }, embeddingUpdate),
    { name: 'tune the embedding', state: 0 },
  );
  let optimized: tf.Tensor3D;
  try {
    const run = { iterations: iterations.embedding, draw: draws('A'), signal };
    const state = await runTuning((state, draw) => tuneEmbedding(state, unet, x0, draw), embedded, run);
    optimized = embeddingOf(state);
    tf.dispose(tensorsOf(state).filter((tensor) => tensor !== optimized));
  } finally {
    tuneEmbedding.dispose();
  }

  const started = startTuning(unet);
  const weightsUpdate = adam(started, EDIT_TUNING.weights.lr);
  const tuneWeights = compile(
    (state: TuneState, clean: tf.Tensor4D, embedding: tf.Tensor3D, draw: NoiseDraw) =>
      weightsStep(branch, state, { p: new Params(), x0: clean, embedding, draw }, weightsUpdate),
    { name: 'tune the weights', state: 0 },
  );
  try {
    const run = { iterations: iterations.weights, draw: draws('B'), signal };
    const state = await runTuning((state, draw) => tuneWeights(state, x0, optimized, draw), started, run);
    tf.dispose(tensorsOf(state.optim));
    return { target, optimized, unet: state.trained };
  } catch (error) {
    optimized.dispose();
    throw error;
  } finally {
    tuneWeights.dispose();
  }
}
