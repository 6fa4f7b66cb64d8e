import { type ImageBatch, type LatentDiffusionCompose, mixDenoiser, recordMixes } from '@codiff/codiff';
import { type Denoise, type LatentDiffusion, type Params, tidyTree } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Compile } from '../steps/consume.js';
import { drawCaptions, drawMasks, type ReadTokens } from './condition-pictures.js';
import { diffusionPictures } from './diffusion-pictures.js';
import type { PictureOptions } from './picture-options.js';
import { type MakePictures, overTime, type Picture } from './pictures.js';

/** How pictures of a diffusion model are made. */
export interface DiffusionPictureSetup {
  readonly options: PictureOptions;
  readonly compile: Compile;
  /** null: token ids cannot be read, and are not drawn. */
  readonly readTokens: ReadTokens | null;
}

/** Moments of a row of influence maps. */
const MAP_MOMENTS = 5;

const fill = (x: tf.Tensor4D, t: number): tf.Tensor1D => tf.fill([x.shape[0]], t, 'int32');

/** Pictures of a latent diffusion model of one condition. */
export function latentDiffusionPictures(model: LatentDiffusion, setup: DiffusionPictureSetup): MakePictures {
  const { config } = model;
  const conditional = model.model.conditioning !== null;
  const encode = setup.compile((p: Params, input: tf.Tensor) => model.condition(p, input), {
    name: 'pictures: condition',
  });
  const apply = setup.compile(
    (p: Params, x: tf.Tensor4D, t: tf.Tensor1D, condition: tf.Tensor | null) =>
      tidyTree(() => model.applyModel(p, x, t, condition)),
    { name: 'pictures: denoising' },
  );
  return diffusionPictures(
    {
      schedule: model.schedule,
      firstStage: model.firstStage,
      imageKey: config.firstStageKey,
      latent: { side: config.imageSize, channels: config.channels },
      logEveryT: config.logEveryT,
      scaleFactor: (p) => model.scaleFactor(p),
      bind(p, batch, rng) {
        const condition = conditional ? encode(p, batch[config.condStageKey]!) : null;
        const at = (x: tf.Tensor4D, t: number, given: tf.Tensor | null): tf.Tensor4D => apply(p, x, fill(x, t), given);
        return {
          denoise: (x, t) => at(x, t, condition),
          ancestral: (x, t) => {
            if (condition === null || config.numTimestepsCond === 1) return at(x, t, condition);
            const noise = rng.split('condition noise').split(t).normal(condition.shape);
            return at(x, t, model.noisedCondition(condition, fill(x, t), noise));
          },
          dispose: () => condition?.dispose(),
        };
      },
      drawConditions: async (batch, side) => {
        const drawn = conditional ? await drawCondition(batch[config.condStageKey]!, side, setup.readTokens) : null;
        return drawn === null ? {} : { conditioning: drawn };
      },
    },
    setup.options,
    setup.compile,
  );
}

/** Pictures of a collaborative model, the influence maps of its samples among them. */
export function composePictures(model: LatentDiffusionCompose, setup: DiffusionPictureSetup): MakePictures {
  const { config, conditions } = model;
  const encode = setup.compile(
    (p: Params, inputs: Readonly<Record<string, tf.Tensor>>) => model.encodeConditions(p, inputs),
    { name: 'pictures: conditions' },
  );
  const mix = setup.compile(
    (p: Params, x: tf.Tensor4D, t: tf.Tensor1D, contexts: Readonly<Record<string, tf.Tensor3D>>, ruled: boolean) =>
      tidyTree(() => {
        const { eps, influence } = model.mix(p, { x, t, contexts, ruled });
        return { eps, influence };
      }),
    { name: 'pictures: collaboration' },
  );
  return diffusionPictures(
    {
      schedule: model.schedule,
      firstStage: model.firstStage,
      imageKey: config.firstStageKey,
      latent: { side: config.imageSize, channels: config.channels },
      logEveryT: config.logEveryT,
      scaleFactor: (p) => model.scaleFactor(p),
      bind(p, batch, rng) {
        const inputs = Object.fromEntries(conditions.map((condition) => [condition, batch[condition]!]));
        const contexts = encode(p, inputs);
        const steps = setup.options.ddimSteps ?? config.timesteps;
        const recorder = recordMixes({ logEveryT: Math.max(1, Math.ceil(steps / MAP_MOMENTS)) });
        let done = false;
        // The mix of training, which the config gives: samples of the log use no schedule of a sampler (original, section 3).
        let calls = 0;
        const denoiseBy = (given: typeof contexts): Denoise =>
          mixDenoiser((x, t, ruled = true) => ({ ...mix(p, x, t, given, ruled), branches: {} }), {
            manualProb: model.unet.config.manualProb,
            draw: () => tf.tidy(() => rng.split('rules').split(calls++).uniform([]).dataSync()[0]!),
            onMix: (event) => {
              if (!done) recorder.onMix(event);
            },
          });
        const denoise = denoiseBy(contexts);
        const ancestral: Denoise = async (x, t, event) => {
          const noise = rng.split('condition noise').split(t);
          const own = tf.tidy(() =>
            model.noisedConditions(contexts, fill(x, t), (name, shape) => noise.split(name).normal(shape)),
          );
          try {
            return await denoiseBy(own)(x, t, event);
          } finally {
            tf.dispose(Object.values(own));
          }
        };
        return {
          denoise,
          ...(config.numTimestepsCond > 1 ? { ancestral } : {}),
          dispose() {
            recorder.dispose();
            tf.dispose(Object.values(contexts));
          },
          async extra() {
            done = true;
            const { returnKeys } = setup.options;
            const pictures: Record<string, Picture> = {};
            for (const [condition, maps] of Object.entries(recorder.influence)) {
              const key = `influence_${condition}`;
              if (returnKeys !== null && !returnKeys.includes(key)) continue;
              const read: ImageBatch[] = [];
              // From 0..1 to the range of images: white where a condition decides alone.
              for (const map of maps) read.push(grey((await map.data()) as Float32Array, map.shape));
              pictures[key] = overTime(read);
            }
            return pictures;
          },
        };
      },
      async drawConditions(batch, side) {
        const drawn: Record<string, ImageBatch> = {};
        for (const condition of conditions) {
          const picture = await drawCondition(batch[condition]!, side, setup.readTokens);
          if (picture !== null) drawn[`conditioning_${condition}`] = picture;
        }
        return drawn;
      },
    },
    setup.options,
    setup.compile,
  );
}

function grey(values: Float32Array, [B, H, W]: readonly number[]): ImageBatch {
  const out = new Float32Array(3 * values.length);
  values.forEach((value, i) => void out.fill(2 * value - 1, 3 * i, 3 * i + 3));
  return { values: out, shape: [B!, H!, W!, 3] };
}

/** A condition as a picture: captions as text, masks in their colours, images as they are; null for anything else. */
async function drawCondition(
  input: tf.Tensor,
  side: number,
  readTokens: ReadTokens | null,
): Promise<ImageBatch | null> {
  const values = (await input.data()) as Float32Array | Int32Array;
  if (input.rank === 2 && input.dtype === 'int32' && readTokens !== null) {
    const [B, L] = input.shape as [number, number];
    const texts = Array.from({ length: B }, (_, b) => readTokens(Int32Array.from(values.subarray(b * L, (b + 1) * L))));
    return drawCaptions(texts, side);
  }
  const [B, K, N] = input.shape as [number, number, number];
  if (input.rank === 3 && input.dtype === 'int32' && K > 1) return drawMasks(values, [B, K, N], side);
  if (input.rank === 4 && input.shape[3] === 3) {
    return { values: Float32Array.from(values), shape: input.shape as [number, number, number, number] };
  }
  return null;
}
