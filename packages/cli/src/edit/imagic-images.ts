import { join } from 'node:path';
import { editedImageBytes, interpolate, readImages } from '@codiff/codiff';
import { type Params, Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { recordBatch } from '../generate/batch-record.js';
import { encodeRgb } from '../generate/png/rgb.js';
import { PROGRAM, withRecipe } from '../generate/recipe.js';
import { sampleBatch } from '../generate/sample-batch.js';
import type { SamplingModels } from '../generate/sampling-model.js';
import { alphaText } from './alphas.js';
import { ImagicRecipe, isMade } from './edit-recipe.js';
import type { ImagicRequest } from './imagic-request.js';
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
  /** Which of the images of its alpha. */
  readonly image: number;
}

/**
 * Every image that an edit samples, in the original's order and under its names, which say "Text" for masks too. Of several images
 * of an alpha the first has the original's name, the others their number behind it.
 * @param images of each alpha
 */
export function plannedImages({ alphas, images }: Pick<ImagicRequest, 'alphas' | 'images'>): PlannedImage[] {
  const between = (prefix: string, tuned: boolean): PlannedImage[] =>
    Array.from({ length: images }, (_, image) =>
      alphas.map((alpha, i) => ({
        name: `${prefix}_${i}_alpha=${alphaText(alpha)}${image === 0 ? '' : `_${String(image).padStart(6, '0')}`}.png`,
        label: `${tuned ? 'tuned' : 'orig'} ${alphaText(alpha)}${image === 0 ? '' : ` #${image}`}`,
        alpha,
        tuned,
        image,
      })),
    ).flat();
  return [
    { name: 'A_start_tgtText_origDM.png', label: 'A start', alpha: 1, tuned: false, image: 0 },
    { name: 'A_end_optText_origDM.png', label: 'A end', alpha: 0, tuned: false, image: 0 },
    ...between('0A_interText_origDM', false),
    { name: 'B_end_optText_optDM.png', label: 'B end', alpha: 0, tuned: true, image: 0 },
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
  /** The encoded text to steer away from [1,L,D]. */
  readonly negative?: tf.Tensor3D | undefined;
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

/** What a recipe says of the text to steer away from: nothing where there is none. */
export const guidanceIn = ({ negativeText, guidanceScale }: Pick<ImagicRequest, 'negativeText' | 'guidanceScale'>) =>
  negativeText === undefined ? {} : { negativeText, guidanceScale };

/** The recipe of a planned image. */
export function plannedRecipe(prepared: PreparedImagic, session: EditSession, { alpha, tuned, image }: PlannedImage) {
  const { sampler, request } = prepared;
  return imagicRecipe(prepared, session, {
    ...{ kind: 'sample', alpha, tuned, image },
    ...guidanceIn(request),
    ...{ sampler: sampler.config, legacyStartCode: request.legacyStartCode },
  });
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
  { target, optimized, startCode, negative }: ImagicTensors,
  {
    alpha,
    condition,
    image,
    guidanceScale,
    ...sampling
  }: Pick<Parameters<typeof sampleBatch>[1], 'seed' | 'sampler' | 'latent' | 'signal' | 'onStep'> & {
    readonly alpha: number;
    readonly condition: string;
    readonly legacyStartCode: boolean;
    /** Which of the images of its alpha. */
    readonly image: number;
    readonly guidanceScale: number;
  },
) {
  const embedding = optimized === undefined ? tf.clone(target) : interpolate(target, optimized, alpha);
  const given = (tensor: tf.Tensor3D) => ({ embeddings: { [condition]: tensor } });
  const uncond = negative && given(negative);
  const model = models.of(p, { cond: given(embedding), uncond, scale: guidanceScale });
  const record = recordBatch({ z: false, steps: false, influence: false, mixed: false });
  let sampled: Awaited<ReturnType<typeof sampleBatch>> | undefined;
  const from = sampling.legacyStartCode ? undefined : startCodeOf(image, startCode, sampling.seed);
  try {
    sampled = await sampleBatch(model, { ...sampling, range: { first: image, size: 1 }, record, from });
    return editedImageBytes(await readImages(sampled.images))[0]!;
  } finally {
    from?.dispose();
    if (sampled) tf.dispose([sampled.z, sampled.images]);
    model.dispose();
    embedding.dispose();
  }
}

/** Where an image of an alpha starts [1,h,w,C]: the first from the saved start code, the next ones from later draws of the seed. */
function startCodeOf(image: number, startCode: tf.Tensor4D, seed: number): tf.Tensor4D {
  if (image === 0) return tf.clone(startCode);
  return Rng.of(seed).split('edit').split('start code').split(image).normal(startCode.shape);
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
  const { request, open, sampler, settings, folder } = prepared;
  const { signal } = session;
  const bar = session.progress(sampler.taken * images.length);
  try {
    for (const image of images) {
      signal.throwIfAborted();
      const bytes = await sampleEdited(models, p, tensors, {
        ...{ alpha: image.alpha, image: image.image },
        condition: request.modality,
        legacyStartCode: request.legacyStartCode,
        guidanceScale: request.guidanceScale,
        seed: settings.seed,
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
