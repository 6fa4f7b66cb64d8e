import { join } from 'node:path';
import { LatentDiffusionCompose } from '@codiff/codiff';
import { hashFile } from '@codiff/ldm-core/node';
import type { Sketch } from '@codiff/trainer';
import { InputError } from '../input-error.js';
import { checkMaskSize, type Mask, readMask } from './mask.js';
import { checkBatchFits } from './memory.js';
import { type OpenModel, openModel } from './open-model.js';
import { OutputFolder } from './output-folder.js';
import { checkPrompt, promptFolder } from './prompt.js';
import type { Request } from './request.js';
import { requireFile } from './required-file.js';
import { type SamplerSettings, samplerSettings } from './sampler-settings.js';
import { readSketchFile } from './sketch.js';
import { TextReader } from './text-reader.js';
import { bytesOf } from './write-batch.js';

/** A request whose inputs are all found good. */
export interface Prepared {
  readonly request: Request;
  readonly open: OpenModel;
  readonly sampler: SamplerSettings;
  readonly mask: Mask | undefined;
  readonly sketch: Sketch | undefined;
  readonly texts: TextReader | undefined;
  readonly folder: OutputFolder;
}

/**
 * Check everything that a request names, before any time or memory is spent on it.
 * @throws InputError or UsageError, one line each; nothing is left behind
 */
export async function prepare(request: Request): Promise<Prepared> {
  const { text, negativeText } = request;
  if (text !== undefined) checkPrompt('input_text', text);
  if (negativeText !== undefined) checkPrompt('negative_text', negativeText);
  if (request.mask !== undefined) await requireFile('mask_path', request.mask);
  const mask = request.mask && (await readMask(request.mask.path));
  if (request.sketch !== undefined) await requireFile('sketch_path', request.sketch);
  const sketch = request.sketch && (await readSketchFile(request.sketch.path));
  const masked = mask === undefined ? request.folder : join(request.folder, mask.name);
  const path = text === undefined ? masked : promptFolder(masked, text);
  const open = await openModel(request);
  try {
    if (mask && request.mask) checkMaskSize(mask, request.mask.path, open.side);
    checkSketch(request, open);
    const trainSteps = open.model.schedule.timesteps;
    const sampler = samplerSettings(request.sampler, trainSteps);
    const texts = text === undefined ? undefined : await TextReader.of(open.model);
    checkBatchFits(request, open.decoderBytes);
    await compareWithRecipe(request, open);
    const images = request.batches.reduce((sum, { size }) => sum + size, 0);
    const needed = bytesOf(images, open.side, sampler.taken, request.extras);
    return { request, open, sampler, mask, sketch, texts, folder: await OutputFolder.open(path, needed) };
  } catch (error) {
    await open.weights.close();
    throw error;
  }
}

/** A model has the modalities of its config: a sketch is needed exactly where there is a branch for it. */
function checkSketch({ config, sketch }: Request, { model }: OpenModel): void {
  const wanted = model instanceof LatentDiffusionCompose && model.conditions.includes('sketch');
  if (wanted === (sketch !== undefined)) return;
  throw new InputError(
    wanted
      ? `${config.path}: the model also wants a sketch; give it by --sketch_path, or take a model of mask and text`
      : `--sketch_path: the model of ${config.path} reads no sketch; leave it out, or take a config with three conditions`,
  );
}

/** A rerun is one only with the very same config and weights. */
async function compareWithRecipe({ rerun, config, checkpoint }: Request, { configHash }: OpenModel): Promise<void> {
  if (rerun === undefined) return;
  const { image, recipe } = rerun;
  if (recipe.config.sha256 !== configHash) {
    throw new InputError(
      `--from ${image}: the config ${config.path} has changed since; wanted the one with which the image was made`,
    );
  }
  if (recipe.checkpoint.sha256 !== (await hashFile(checkpoint.path))) {
    throw new InputError(
      `--from ${image}: ${checkpoint.path} is not the checkpoint that the image was made with ` +
        `(SHA-256 ${recipe.checkpoint.sha256}); give that one by --ckpt_path`,
    );
  }
}
