import { join } from 'node:path';
import { editedImageBytes, interpolate, readImages } from '@codiff/codiff';
import type { Params } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { recordBatch } from '../generate/batch-record.js';
import { encodeRgb } from '../generate/png/rgb.js';
import { PROGRAM, withRecipe } from '../generate/recipe.js';
import { sampleBatch } from '../generate/sample-batch.js';
import type { SamplingModels } from '../generate/sampling-model.js';
import { alphaText } from './alphas.js';
import { ImagicRecipe, isMade } from './edit-recipe.js';
import type { PreparedImagic } from './prepare-imagic.js';
import type { EditSession } from './session.js';

/** An image that an edit samples. */
export interface PlannedImage {
  /** File name. */
  readonly name: string;
  /** On its contact sheet. */
  readonly label: string;
  /** 1 is the target, 0 the optimized embedding. */
  readonly alpha: number;
  /** Of the tuned weights, or the checkpoint's. */
  readonly tuned: boolean;
}

/** Every image that an edit samples, in the original's order and under its names, which say "Text" for masks too. */
export function plannedImages(alphas: readonly number[]): PlannedImage[] {
  const between = (prefix: string, tuned: boolean): PlannedImage[] =>
    alphas.map((alpha, i) => ({
      name: `${prefix}_${i}_alpha=${alphaText(alpha)}.png`,
      label: `${tuned ? 'tuned' : 'orig'} ${alphaText(alpha)}`,
      alpha,
      tuned,
    }));
  return [
    { name: 'A_start_tgtText_origDM.png', label: 'A start', alpha: 1, tuned: false },
    { name: 'A_end_optText_origDM.png', label: 'A end', alpha: 0, tuned: false },
    ...between('0A_interText_origDM', false),
    { name: 'B_end_optText_optDM.png', label: 'B end', alpha: 0, tuned: true },
    ...between('0C_interText_optDM', true),
  ];
}

/** Embeddings of an edit, and where its images start. */
export interface ImagicTensors {
  /** The encoded condition [1,L,D]. */
  readonly target: tf.Tensor3D;
  /** What stage A made of it [1,L,D]; absent before. */
  readonly optimized?: tf.Tensor3D | undefined;
  /** [1,h,w,C] */
  readonly startCode: tf.Tensor4D;
}

/** The recipe of an image of an edit. */
export function imagicRecipe(
  { request, settings, folder }: Pick<PreparedImagic, 'request' | 'settings' | 'folder'>,
  { info }: Pick<EditSession, 'info'>,
  shown: ImagicRecipe['shown'],
): ImagicRecipe {
  // In the schema's order, so that an image made again from its recipe has the same bytes.
  return ImagicRecipe.parse({
    version: 1,
    program: PROGRAM,
    command: `edit ${request.modality}`,
    settings,
    folder: folder.path,
    shown,
    device: info.device,
    threads: info.threads,
    tensorflow: info.libraryVersion,
  });
}

/** The recipe of a planned image. */
export function plannedRecipe(prepared: PreparedImagic, session: EditSession, { alpha, tuned }: PlannedImage) {
  const { sampler, request } = prepared;
  const { legacyStartCode } = request;
  return imagicRecipe(prepared, session, { kind: 'sample', alpha, tuned, sampler: sampler.config, legacyStartCode });
}

/** Those of the images that are not in the folder yet as they would be made now. */
export async function missingImages(
  prepared: PreparedImagic,
  session: EditSession,
  planned: readonly PlannedImage[],
): Promise<PlannedImage[]> {
  if (prepared.request.force) return [...planned];
  const missing: PlannedImage[] = [];
  for (const image of planned) {
    const isThere = await isMade(join(prepared.folder.path, image.name), plannedRecipe(prepared, session, image));
    if (!isThere) missing.push(image);
  }
  return missing;
}

/** One image between two embeddings, as bytes. @param p UNet and first stage @returns [H,W,3] */
export async function sampleEdited(
  models: SamplingModels,
  p: Params,
  { target, optimized, startCode }: ImagicTensors,
  {
    alpha,
    condition,
    ...sampling
  }: Pick<Parameters<typeof sampleBatch>[1], 'seed' | 'sampler' | 'latent' | 'signal' | 'onStep'> & {
    readonly alpha: number;
    readonly condition: string;
    readonly legacyStartCode: boolean;
  },
) {
  const embedding = optimized === undefined ? tf.clone(target) : interpolate(target, optimized, alpha);
  const model = models.of(p, { cond: { embeddings: { [condition]: embedding } }, scale: 1 });
  const record = recordBatch({ z: false, steps: false, influence: false, mixed: false });
  let sampled: Awaited<ReturnType<typeof sampleBatch>> | undefined;
  try {
    const from = sampling.legacyStartCode ? undefined : startCode;
    sampled = await sampleBatch(model, { ...sampling, range: { first: 0, size: 1 }, record, from });
    return editedImageBytes(await readImages(sampled.images))[0]!;
  } finally {
    if (sampled) tf.dispose([sampled.z, sampled.images]);
    model.dispose();
    embedding.dispose();
  }
}

/** Sample images that are missing, and write them. @param p UNet and first stage */
export async function writeImages(
  images: readonly PlannedImage[],
  prepared: PreparedImagic,
  session: EditSession,
  models: SamplingModels,
  p: Params,
  tensors: ImagicTensors,
): Promise<void> {
  const { request, open, sampler, folder } = prepared;
  const { signal } = session;
  const bar = session.progress(sampler.taken * images.length);
  try {
    for (const image of images) {
      signal.throwIfAborted();
      const bytes = await sampleEdited(models, p, tensors, {
        alpha: image.alpha,
        condition: request.modality,
        legacyStartCode: request.legacyStartCode,
        seed: request.seed,
        sampler: sampler.config,
        latent: open.latent,
        signal,
        onStep: () => bar.step(),
      });
      await folder.write(image.name, withRecipe(encodeRgb(bytes), plannedRecipe(prepared, session, image)));
    }
  } finally {
    bar.clear();
  }
}
