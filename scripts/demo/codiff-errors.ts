import { LatentDiffusionCompose } from '@codiff/codiff';
import { compile } from '@codiff/engine';
import { buildModel, type Params, qSample, Rng, roles, tidyTree } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { checkTrainingConfig, type TensorBatch, toTensors, trainerRegistry } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { openHeldOut, trainedWeights } from './held-out.js';
import { type Interval, pairedInterval } from './paired-interval.js';
import type { Stage } from './stages.js';

/** Ways to predict the noise of one latent. */
export const METHODS = ['collaborative', 'half', 'seg_mask', 'text'] as const;
type Method = (typeof METHODS)[number];

/** How the collaborative model does on held-out faces. */
export interface CodiffErrors {
  readonly samples: number;
  /** Mean squared error of the predicted noise. */
  readonly mean: Readonly<Record<Method, number>>;
  /** How much smaller the collaborative error is than that of each other method, paired. */
  readonly gain: Readonly<Record<Exclude<Method, 'collaborative'>, Interval>>;
}

const SEED = 78;
/** Timesteps and noises of each face: their mean is the face's error. */
const DRAWS = 4;
const BATCH = 20;

/**
 * Errors of the predicted noise on the held-out faces: the collaborative model's, that of half of each branch, and of each
 * branch alone, all at the same latents, timesteps and noise.
 */
export async function codiffErrors(stage: Stage, overrides: readonly string[]): Promise<CodiffErrors> {
  const heldOut = await openHeldOut(stage, overrides, BATCH);
  try {
    const config = await loadConfig(stage.config, { registry: trainerRegistry, check: checkTrainingConfig });
    const { model } = buildModel(config, roles.model, trainerRegistry);
    if (!(model instanceof LatentDiffusionCompose)) throw new Error(`demo: ${stage.config} is no collaborative model`);
    const p = await trainedWeights(stage, heldOut);
    const errorsOf = compile(
      (p: Params, batch: TensorBatch, seed: tf.Tensor1D) =>
        tidyTree(() => batchErrors(model, p, batch, Rng.from(seed))),
      { name: 'errors' },
    );
    const errors: Record<Method, number[]> = { collaborative: [], half: [], seg_mask: [], text: [] };
    let index = 0;
    for await (const host of heldOut.source.epoch(0, 0)) {
      const batch = toTensors(host);
      const sums = new Map<Method, Float32Array>();
      for (let draw = 0; draw < DRAWS; draw++) {
        const seed = Rng.of(SEED).split(index).split(draw).toTensor();
        const found = errorsOf(p, batch, seed);
        for (const method of METHODS) {
          const values = await found[method].data<'float32'>();
          const before = sums.get(method);
          sums.set(method, before ? before.map((sum, i) => sum + values[i]!) : Float32Array.from(values));
        }
        tf.dispose([seed, ...Object.values(found)]);
      }
      for (const method of METHODS) errors[method].push(...[...sums.get(method)!].map((sum) => sum / DRAWS));
      tf.dispose(Object.values(batch));
      index++;
    }
    p.dispose();
    return summary(errors);
  } finally {
    await heldOut.close();
  }
}

function batchErrors(
  model: LatentDiffusionCompose,
  p: Params,
  batch: TensorBatch,
  rng: Rng,
): Record<Method, tf.Tensor1D> {
  const images = batch.image as tf.Tensor4D;
  const { imageSize: side, channels } = model.config;
  const shape: [number, number, number, number] = [images.shape[0], side, side, channels];
  const x0 = model.encodeFirstStage(p, images, rng.split('posterior').normal<tf.Rank.R4>(shape));
  const noise = rng.split('noise').normal<tf.Rank.R4>(shape);
  const t = rng.split('t').integers<tf.Rank.R1>([shape[0]], 0, model.schedule.timesteps);
  const contexts = model.encodeConditions(p, { text: batch.text!, seg_mask: batch.seg_mask! });
  const { eps, branches } = model.mix(p, { x: qSample(model.schedule, x0, t, noise), t, contexts });
  const error = (said: tf.Tensor4D) => tf.mean(tf.squaredDifference(said, noise), [1, 2, 3]) as tf.Tensor1D;
  const [mask, text] = [branches.seg_mask!, branches.text!];
  return {
    collaborative: error(eps),
    half: error(tf.mul(0.5, tf.add(mask, text))),
    seg_mask: error(mask),
    text: error(text),
  };
}

function summary(errors: Readonly<Record<Method, readonly number[]>>): CodiffErrors {
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const gain = (method: Method) => pairedInterval(errors[method], errors.collaborative);
  return {
    samples: errors.collaborative.length,
    mean: {
      collaborative: mean(errors.collaborative),
      half: mean(errors.half),
      seg_mask: mean(errors.seg_mask),
      text: mean(errors.text),
    },
    gain: { half: gain('half'), seg_mask: gain('seg_mask'), text: gain('text') },
  };
}
