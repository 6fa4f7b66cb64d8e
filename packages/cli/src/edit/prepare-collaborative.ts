import { LatentDiffusionCompose } from '@codiff/codiff';
import { hashFile } from '@codiff/ldm-core/node';
import { checkBatchFits } from '../generate/memory.js';
import { UNNEEDED } from '../generate/needed-weights.js';
import { type OpenModel, openModel } from '../generate/open-model.js';
import { OutputFolder } from '../generate/output-folder.js';
import { checkPrompt } from '../generate/prompt.js';
import { drawSeed } from '../generate/request.js';
import { type SamplerSettings, samplerSettings } from '../generate/sampler-settings.js';
import { TextReader } from '../generate/text-reader.js';
import { bytesOf } from '../generate/write-batch.js';
import { InputError } from '../input-error.js';
import { checkEditFits } from './branches.js';
import type { CollaborativeRequest } from './collaborative-request.js';
import { sampledSeed, seedFolder } from './collaborative-seed.js';
import { type EditedFolder, openEditedFolder } from './edited-folder.js';

/** A collaborative edit whose inputs are all found good. */
export interface PreparedCollaborative {
  readonly request: CollaborativeRequest;
  readonly open: OpenModel;
  readonly model: LatentDiffusionCompose;
  readonly text: EditedFolder;
  readonly mask: EditedFolder;
  /** Where there is a text to steer away from. */
  readonly texts: TextReader | undefined;
  readonly sampler: SamplerSettings;
  readonly seed: number;
  readonly checkpointHash: string;
  readonly folder: OutputFolder;
}

/** What the two edits give, so that the checkpoint need not: of the encoders it is only asked for that of a text to steer away from. */
const fromEdits = ({ negativeText }: Pick<CollaborativeRequest, 'negativeText'>): RegExp[] => [
  /^model\.(text|seg_mask)_unet\./,
  negativeText === undefined ? /^cond_stage_model\./ : /^cond_stage_model\.(?!text_)/,
];

/**
 * See that a collaborative edit will find its model: for a command that has long to do before.
 * @returns the model, closed
 * @throws InputError as {@link prepareCollaborative} does
 */
export async function checkCollaborative(
  request: Omit<CollaborativeRequest, 'text' | 'mask'>,
): Promise<Pick<OpenModel, 'specs'>> {
  const { open } = await openCollaborative(request);
  await open.weights.close();
  return open;
}

async function openCollaborative(request: Omit<CollaborativeRequest, 'text' | 'mask'>) {
  if (request.negativeText !== undefined) checkPrompt('negative_text', request.negativeText);
  const open = await openModel(
    { ...request, command: 'generate', freeU: undefined },
    { name: 'edit collaborative', unneeded: [...UNNEEDED, ...fromEdits(request)] },
  );
  try {
    const { model } = open;
    if (!(model instanceof LatentDiffusionCompose) || model.conditions.includes('sketch')) {
      throw new InputError(
        `${request.config.path}: the model has a sketch for its third modality, and nothing edits by sketch; ` +
          'wanted a model of mask and text, e.g. configs/256_codiff_mask_text.yaml',
      );
    }
    const sampler = samplerSettings(request.sampler, model.schedule.timesteps);
    const texts = request.negativeText === undefined ? undefined : await TextReader.of(model);
    checkBatchFits(request, open.decoderBytes);
    return { open, model, sampler, texts };
  } catch (error) {
    await open.weights.close();
    throw error;
  }
}

/**
 * Check everything that a collaborative edit names, before any time or memory is spent on it.
 * @param note tells the user what is odd, but no mistake
 * @param otherwise gives a seed where neither the request nor an earlier run of the same edit has one
 * @throws InputError or UsageError, one line each; nothing is left behind
 */
export async function prepareCollaborative(
  request: CollaborativeRequest,
  note: (text: string) => void,
  otherwise = drawSeed,
): Promise<PreparedCollaborative> {
  const text = await openEditedFolder('text', request.text, 'imagic_text_folder');
  const mask = await openEditedFolder('mask', request.mask, 'imagic_mask_folder');
  const [textImage, maskImage] = [text.settings?.image, mask.settings?.image];
  if (textImage && maskImage && textImage.sha256 !== maskImage.sha256) {
    note(`the edits are of two images: ${textImage.path} by text, ${maskImage.path} by mask`);
  }
  const { open, model, sampler, texts } = await openCollaborative(request);
  try {
    await checkEditFits('text', text, request.config.path, { open, model });
    await checkEditFits('mask', mask, request.config.path, { open, model });
    const images = request.batches.reduce((sum, { size }) => sum + size, 0);
    const needed = bytesOf(images, open.side, sampler.taken, request.extras) * request.alphas.length;
    const checkpointHash = await hashFile(request.checkpoint.path);
    const by = { config: { sha256: open.configHash }, checkpoint: { sha256: checkpointHash }, text, mask };
    const earlier = request.seed === undefined && !request.force ? await sampledSeed(request.folder, by) : undefined;
    const seed = request.seed ?? earlier ?? otherwise();
    const path = request.bySeed ? seedFolder(request.folder, seed) : request.folder;
    return {
      ...{ request, open, model, text, mask, sampler, texts, seed, checkpointHash },
      folder: await OutputFolder.open(path, needed),
    };
  } catch (error) {
    await open.weights.close();
    throw error;
  }
}
