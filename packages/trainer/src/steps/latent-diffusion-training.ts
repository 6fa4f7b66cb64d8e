import type { LatentDiffusion, ParamSpec } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { embeddingKey } from '../latents/cached-batch.js';
import { type DiffusionTrainingOptions, diffusionTraining } from './diffusion-training.js';
import type { Training } from './train-state.js';

/**
 * Training of a latent diffusion model of one condition. With `cond_stage_trainable` its encoder is trained along, at the
 * same rate; else it is frozen. Batches hold images under `first_stage_key` and what the encoder takes (token ids [B,L], a
 * one-hot mask [B,K,N]) under `cond_stage_key`.
 */
export function latentDiffusionTraining(
  model: LatentDiffusion,
  specs: ReadonlyMap<string, ParamSpec>,
  options: DiffusionTrainingOptions,
): Training {
  const { firstStageKey, condStageKey, condStageTrainable } = model.config;
  const conditional = model.model.conditioning !== null;
  return diffusionTraining<tf.Tensor | null>(
    {
      schedule: model.schedule,
      firstStage: model.firstStage,
      imageKey: firstStageKey,
      scaleFactor: (p) => model.scaleFactor(p),
      isTrained: (key) => model.isTrained(key),
      prepare: (p, batch) => {
        if (!conditional) return null;
        const ready = batch[embeddingKey(condStageKey)];
        if (ready !== undefined && !condStageTrainable) return ready;
        const input = batch[condStageKey];
        if (input === undefined) {
          throw new Error(
            `training: the batch holds ${Object.keys(batch).join(', ')}; the condition is wanted under '${condStageKey}' (cond_stage_key)`,
          );
        }
        return condStageTrainable ? input : model.condition(p, input);
      },
      losses: (p, input, { x0, t, noise, rng, dropout }) => {
        if (input === null) return model.losses(p, { x0, t, noise, condition: null, rng: dropout });
        const encoded = condStageTrainable ? model.condition(p, input, { rng: dropout?.split('condition') }) : input;
        const condition = model.noisedCondition(encoded, t, rng.split('condition noise').normal(encoded.shape));
        return model.losses(p, { x0, t, noise, condition, rng: dropout });
      },
    },
    specs,
    options,
  );
}
