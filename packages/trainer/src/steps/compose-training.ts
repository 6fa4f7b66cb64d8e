import type { LatentDiffusionCompose } from '@codiff/codiff';
import type { ParamSpec } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { embeddingKey } from '../latents/cached-batch.js';
import { type DiffusionTrainingOptions, diffusionTraining } from './diffusion-training.js';
import type { Training } from './train-state.js';

const WHOLE = { index: 0, of: 1 };

/**
 * Training of a collaborative model: its dynamic diffusers only. Branches, encoders and first stage are read and never
 * written, so they stay as they are to the last bit. Batches hold images under `first_stage_key` and, under the name of
 * each condition, what its encoder takes.
 */
export function composeTraining(
  model: LatentDiffusionCompose,
  specs: ReadonlyMap<string, ParamSpec>,
  options: DiffusionTrainingOptions,
): Training {
  const branches = model.unet.readsFirstTimestep ? 1 : options.branches;
  return diffusionTraining<Readonly<Record<string, tf.Tensor3D>>>(
    {
      schedule: model.schedule,
      firstStage: model.firstStage,
      imageKey: model.config.firstStageKey,
      scaleFactor: (p) => model.scaleFactor(p),
      isTrained: (key) => model.isTrained(key),
      prepare: (p, batch) => {
        const ready = model.conditions.map((condition) => [condition, batch[embeddingKey(condition)]] as const);
        if (ready.every(([, embedding]) => embedding !== undefined)) {
          return Object.fromEntries(ready) as Readonly<Record<string, tf.Tensor3D>>;
        }
        const missing = model.conditions.filter((condition) => batch[condition] === undefined);
        if (missing.length > 0) {
          throw new Error(
            `training: the batch holds ${Object.keys(batch).join(', ')}; it lacks the condition(s) ${missing.join(', ')}`,
          );
        }
        return model.encodeConditions(
          p,
          Object.fromEntries(model.conditions.map((condition) => [condition, batch[condition]!])),
        );
      },
      losses: (p, embeddings, { x0, t, noise, rng, dropout }) => {
        // One draw for all processes that share the batch, as for one process with the whole of it.
        const draw = model.unet.drawsRules ? rng.share(WHOLE).split('rules').uniform<tf.Rank.R0>([]) : undefined;
        const ofCondition = rng.split('condition noise');
        const noised = model.noisedConditions(embeddings, t, (name, shape) => ofCondition.split(name).normal(shape));
        return model.losses(p, { x0, t, noise, embeddings: noised, rng: dropout, draw });
      },
    },
    specs,
    { ...options, branches },
  );
}
