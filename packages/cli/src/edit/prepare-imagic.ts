import { LatentDiffusion } from '@codiff/ldm-core';
import { hashFile } from '@codiff/ldm-core/node';
import { checkMaskSize, hashMask, type Mask, readMask } from '../generate/mask.js';
import { UNNEEDED_TO_EDIT } from '../generate/needed-weights.js';
import { type OpenModel, openModel } from '../generate/open-model.js';
import { OutputFolder } from '../generate/output-folder.js';
import { checkPrompt } from '../generate/prompt.js';
import { drawSeed } from '../generate/request.js';
import { requireFile } from '../generate/required-file.js';
import { type SamplerSettings, samplerSettings } from '../generate/sampler-settings.js';
import { TextReader } from '../generate/text-reader.js';
import { InputError } from '../input-error.js';
import { imagicFolder, recordedSeed } from './imagic-folder.js';
import type { ImagicRequest } from './imagic-request.js';
import { type InputImage, readInputImage } from './input-image.js';
import { removeLeftovers } from './leftovers.js';
import { checkTuningFits, savedBytes } from './memory-of-edits.js';
import type { ImagicSettings } from './settings.js';
import { type StageState, stageState } from './stage-record.js';

/** An edit whose inputs are all found good. */
export interface PreparedImagic {
  readonly request: ImagicRequest;
  readonly open: OpenModel;
  readonly model: LatentDiffusion;
  readonly image: InputImage;
  readonly mask: Mask | undefined;
  readonly texts: TextReader | undefined;
  readonly sampler: SamplerSettings;
  readonly settings: ImagicSettings;
  /** How far the two tuned stages are. */
  readonly stages: { readonly embedding: StageState; readonly weights: StageState };
  readonly folder: OutputFolder;
}

/**
 * Check everything that an edit names, before any time or memory is spent on it.
 * @param otherwise gives a seed where neither the request nor an earlier run of the same edit has one
 * @throws InputError or UsageError, one line each; nothing is left behind
 */
export async function prepareImagic(request: ImagicRequest, otherwise = drawSeed): Promise<PreparedImagic> {
  const { modality, text, flags } = request;
  const name = `edit ${modality}`;
  if (text !== undefined) checkPrompt(flags.text, text);
  if (request.negativeText !== undefined) checkPrompt('negative_text', request.negativeText);
  if (request.mask !== undefined) await requireFile('edited_mask', request.mask, flags.mask);
  const mask = request.mask && (await readMask(request.mask.path));
  await requireFile('input_image_path', request.image, flags.image);
  const open = await openModel(
    { ...request, command: modality === 'text' ? 'text2image' : 'mask2image', freeU: undefined },
    { name, configFlag: flags.config, checkpointFlag: flags.checkpoint, unneeded: UNNEEDED_TO_EDIT },
  );
  try {
    const { model } = open;
    if (!(model instanceof LatentDiffusion))
      throw new InputError(`${request.config.path}: not a model of one condition`);
    const image = await readInputImage(request.image, flags.image, open.side);
    if (mask && request.mask) checkMaskSize(mask, request.mask.path, open.side);
    const sampler = samplerSettings(request.sampler, model.schedule.timesteps);
    const texts = text === undefined ? undefined : await TextReader.of(model);
    checkTuningFits(request, open);
    const path = imagicFolder(request);
    const settings: ImagicSettings = {
      image: { path: image.path, sha256: image.sha256 },
      ...(text === undefined ? {} : { text }),
      ...(mask && request.mask ? { mask: { path: request.mask.path, sha256: hashMask(mask) } } : {}),
      config: { path: request.config.path, sha256: open.configHash },
      checkpoint: { path: request.checkpoint.path, sha256: await hashFile(request.checkpoint.path) },
      seed: request.seed ?? (await recordedSeed(request)) ?? otherwise(),
      setRandomSeed: request.setRandomSeed,
      precision: request.precision,
      embedding: request.embedding,
      weights: request.weights,
    };
    const stages = request.force
      ? ({ embedding: 'new', weights: 'new' } as const)
      : {
          embedding: await stageState(path, 'embedding', settings),
          weights: await stageState(path, 'weights', settings),
        };
    const folder = await OutputFolder.open(path, savedBytes(open, request, stages.weights === 'finished'));
    await removeLeftovers(folder.path);
    return { request, open, model, image, mask, texts, sampler, settings, stages, folder };
  } catch (error) {
    await open.weights.close();
    throw error;
  }
}
