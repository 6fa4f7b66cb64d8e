import type { ImageBatch } from '@codiff/codiff';
import {
  type AutoencoderKL,
  type Denoise,
  type Inpaint,
  type Params,
  qSample,
  Rng,
  recordSteps,
  type Schedule,
  type StepEvent,
  sampleDdim,
  sampleDdpm,
  samplePosterior,
  seededNoise,
  tidyTree,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Compile } from '../steps/consume.js';
import type { TensorBatch } from '../steps/train-state.js';
import type { PictureOptions } from './picture-options.js';
import { firstSamples, type MakePictures, overTime, type Picture, take } from './pictures.js';

/** A model at work on a batch's conditions, which are encoded. Its owner frees it. */
export interface BoundModel {
  readonly denoise: Denoise;
  /** The model as ancestral sampling calls it, where that is not the same. */
  readonly ancestral?: Denoise;
  dispose(): void;
  /** What the sampling of `samples` has left to be shown. */
  extra?(): Promise<Readonly<Record<string, Picture>>>;
}

/** What sets one diffusion model apart from another, as far as pictures go. */
export interface PictureTask {
  readonly schedule: Schedule;
  readonly firstStage: AutoencoderKL<unknown>;
  readonly imageKey: string;
  /** Latents that are sampled have this side and so many channels. */
  readonly latent: { readonly side: number; readonly channels: number };
  readonly logEveryT: number;
  scaleFactor(p: Params): number | tf.Scalar;
  /** Encode the conditions of a batch. */
  bind(p: Params, batch: TensorBatch, rng: Rng): BoundModel;
  /** The conditions themselves, drawn; null: there is nothing to draw. @param side of a picture */
  drawConditions(batch: TensorBatch, side: number): Promise<Readonly<Record<string, ImageBatch>>>;
}

/** Moments of a row of samples over the steps of a sampler. */
const ROW_MOMENTS = 5;

/** Pictures of a diffusion model, the entries of the original's `log_images` (section 3). */
export function diffusionPictures(task: PictureTask, options: PictureOptions, compile: Compile): MakePictures {
  const { schedule, firstStage, latent, logEveryT } = task;
  const T = schedule.timesteps;
  const encode = compile(
    (p: Params, images: tf.Tensor4D, seed: tf.Tensor1D) =>
      tidyTree(() => {
        const posterior = firstStage.encode(p, images);
        const noise = Rng.from(seed).normal<tf.Rank.R4>(posterior.mean.shape);
        return tf.mul(samplePosterior(posterior, noise), task.scaleFactor(p)) as tf.Tensor4D;
      }),
    { name: 'pictures: latents' },
  );
  const decode = compile(
    (p: Params, z: tf.Tensor4D) => tidyTree(() => firstStage.decode(p, tf.div(z, task.scaleFactor(p)))),
    { name: 'pictures: decoding' },
  );
  const wanted = (key: string): boolean => options.returnKeys === null || options.returnKeys.includes(key);
  const decoded = async (p: Params, z: tf.Tensor4D): Promise<ImageBatch> => {
    const images = decode(p, z);
    z.dispose();
    return take(images);
  };

  return async (p, whole, rng) => {
    const batch = firstSamples(whole, options.samples);
    const pictures: Record<string, Picture> = {};
    const add = async (key: string, make: () => Promise<Picture>): Promise<void> => {
      if (wanted(key)) pictures[key] = await make();
    };
    const images = batch[task.imageKey] as tf.Tensor4D;
    const count = images.shape[0];
    const seed = rng.split('posterior').toTensor();
    const z = encode(p, images, seed);
    const bound = task.bind(p, batch, rng);
    const xT = (label: string, shape: number[]): tf.Tensor4D => rng.split(label).split('x_T').normal<tf.Rank.R4>(shape);
    const run = (label: string) => ({ schedule, noise: seededNoise(rng.split(label)) });
    const sampled = async (label: string, more: { inpaint?: Inpaint; onStep?: (event: StepEvent) => void } = {}) => {
      const { ddimSteps: steps, ddimEta: eta } = options;
      const start = xT(label, more.inpaint ? z.shape : [count, latent.side, latent.side, latent.channels]);
      try {
        return steps === null
          ? await sampleDdpm(bound.ancestral ?? bound.denoise, start, { ...run(label), ...more })
          : await sampleDdim(bound.denoise, start, { ...run(label), steps, eta, ...more });
      } finally {
        start.dispose();
      }
    };

    try {
      await add('inputs', async () => ({ images: await take(tf.clone(images)) }));
      await add('reconstruction', async () => ({ images: await decoded(p, tf.clone(z)) }));
      for (const [key, drawn] of Object.entries(await task.drawConditions(batch, images.shape[1]))) {
        await add(key, async () => ({ images: drawn }));
      }
      if (options.diffusionRows) {
        await add('diffusion_row', async () => {
          const few = tf.slice(z, [0, 0, 0, 0], [Math.min(options.rows, count), -1, -1, -1]);
          const steps: ImageBatch[] = [];
          for (let t = 0; t < T; t++) {
            if (t % logEveryT !== 0 && t !== T - 1) continue;
            const noise = rng.split('diffusion_row').split(t).normal<tf.Rank.R4>(few.shape);
            const noisy = tf.tidy(() =>
              qSample(schedule, few, tf.fill([few.shape[0]], t, 'int32') as tf.Tensor1D, noise),
            );
            noise.dispose();
            steps.push(await decoded(p, noisy));
          }
          few.dispose();
          return overTime(steps);
        });
      }
      const sampledKeys = ['samples', 'denoise_row'];
      if (options.sample && (sampledKeys.some(wanted) || bound.extra)) {
        const spacing = Math.max(1, Math.ceil((options.ddimSteps ?? T) / ROW_MOMENTS));
        const recorder = options.denoiseRows ? recordSteps(spacing) : null;
        const samples = await sampled('samples', recorder ? { onStep: recorder.onStep } : {});
        await add('samples', async () => ({ images: await decoded(p, tf.clone(samples)) }));
        samples.dispose();
        Object.assign(pictures, await bound.extra?.());
        if (recorder) {
          await add('denoise_row', async () => {
            const steps: ImageBatch[] = [];
            for (const x of recorder.xInter) steps.push(await decoded(p, tf.clone(x)));
            return overTime(steps);
          });
          recorder.dispose();
        }
      }
      if (options.inpaint) {
        const hole = centreHole(z.shape);
        const rest = tf.sub(1, hole) as tf.Tensor4D;
        const repainted = async (label: string, mask: tf.Tensor4D) => ({
          images: await decoded(p, await sampled(label, { inpaint: { mask, x0: z } })),
        });
        await add('samples_inpainting', () => repainted('samples_inpainting', hole));
        await add('mask', async () => ({ images: await take(tf.tile(hole, [count, 1, 1, 1])) }));
        // What is known is the centre here; the original keeps the border in both.
        await add('samples_outpainting', () => repainted('samples_outpainting', rest));
        tf.dispose([hole, rest]);
      }
      if (options.progressiveRows) {
        await add('progressive_row', async () => {
          const steps: ImageBatch[] = [];
          const start = xT('progressive_row', [count, latent.side, latent.side, latent.channels]);
          const onStep = async ({ t, predX0 }: StepEvent): Promise<void> => {
            if (t % logEveryT === 0 || t === T - 1) steps.push(await decoded(p, tf.clone(predX0)));
          };
          tf.dispose(await sampleDdpm(bound.ancestral ?? bound.denoise, start, { ...run('progressive_row'), onStep }));
          start.dispose();
          return overTime(steps);
        });
      }
      return pictures;
    } finally {
      bound.dispose();
      tf.dispose([z, seed, ...Object.values(batch)]);
    }
  };
}

/** 1 where latents are known, 0 in the square at the centre, half as high and wide. @returns [1,h,w,1] */
function centreHole([, h, w]: readonly number[]): tf.Tensor4D {
  const inside = (i: number, n: number): boolean => i >= Math.floor(n / 4) && i < Math.floor((3 * n) / 4);
  const values = Float32Array.from({ length: h! * w! }, (_, i) =>
    inside(Math.floor(i / w!), h!) && inside(i % w!, w!) ? 0 : 1,
  );
  return tf.tensor4d(values, [1, h!, w!, 1]);
}
