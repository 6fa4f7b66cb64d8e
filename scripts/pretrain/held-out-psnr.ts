import { compile } from '@codiff/engine';
import { AutoencoderKL, buildModel, type Params, posteriorMode, roles } from '@codiff/ldm-core';
import { loadConfig, loadParamsFile } from '@codiff/ldm-core/node';
import {
  checkTrainingConfig,
  dataModuleOf,
  type FaceDatasetOptions,
  FaceLoader,
  trainerRegistry,
} from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';

/** How close reconstructions are to images. */
export interface Psnr {
  /** dB, the mean over images: 10·log10(1/MSE) of levels from 0 to 1. */
  readonly mean: number;
  /** dB of the mean error of all images, which weighs bad ones more. */
  readonly pooled: number;
  /** dB of the worst image. */
  readonly least: number;
  readonly n: number;
}

const BATCH = 16;

/** Where the autoencoder and its held-out faces are found. */
export interface PsnrRequest {
  /** A config of an autoencoder. */
  readonly config: string;
  readonly weights: string;
  /** Folder that relative paths start from. */
  readonly root: string;
  /** Most faces to look at. */
  readonly limit: number;
  /** Other faces than the config's held-out ones. */
  readonly dataset?: FaceDatasetOptions;
}

/** Reconstruct held-out faces from the most likely latent, and compare levels as an image file has them (clipped, not rounded). */
export async function heldOutPsnr(request: PsnrRequest): Promise<Psnr> {
  const { root, limit } = request;
  const config = await loadConfig(request.config, { registry: trainerRegistry, check: checkTrainingConfig, root });
  const { model, specs } = buildModel(config, roles.model, trainerRegistry);
  if (!(model instanceof AutoencoderKL)) throw new Error(`${request.config} describes no autoencoder`);
  const network = new Map([...specs].filter(([key]) => !key.startsWith('loss.')));
  const dataset = request.dataset ?? dataModuleOf(config.data ?? {}).validation;
  if (dataset === undefined) throw new Error(`${request.config} names no validation data`);
  const loader = new FaceLoader({ dataset, batchSize: BATCH, seed: 0, shuffle: false, workers: 0, strict: true });
  const { params } = await loadParamsFile(request.weights, network);
  const errorsOf = compile(
    (p: Params, x: tf.Tensor4D) =>
      tf.tidy(() => {
        const levels = (y: tf.Tensor4D) => tf.clipByValue(tf.mul(tf.add(y, 1), 0.5), 0, 1);
        const y = model.decode(p, posteriorMode(model.encode(p, x)));
        return tf.mean(tf.squaredDifference(levels(x), levels(y)), [1, 2, 3]) as tf.Tensor1D;
      }),
    { name: 'reconstruction' },
  );
  const errors: number[] = [];
  try {
    const n = Math.min(limit, loader.dataset.length);
    while (errors.length < n) {
      const { image, imageShape } = await loader.next();
      const x = tf.tensor4d(image, [...imageShape]);
      const found = errorsOf(params, x);
      errors.push(...(await found.data<'float32'>()));
      tf.dispose([x, found]);
    }
    return psnrOf(errors.slice(0, n));
  } finally {
    errorsOf.dispose();
    params.dispose();
    await loader.close();
  }
}

/** PSNR of mean squared errors, one an image, of levels from 0 to 1. */
export function psnrOf(errors: readonly number[]): Psnr {
  const decibels = errors.map((error) => -10 * Math.log10(error));
  const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
  return {
    mean: mean(decibels),
    pooled: -10 * Math.log10(mean(errors)),
    least: Math.min(...decibels),
    n: errors.length,
  };
}
