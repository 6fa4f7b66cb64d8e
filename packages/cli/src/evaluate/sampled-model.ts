import { COMPOSE_TARGETS, codiffRegistry, LatentDiffusionCompose } from '@codiff/codiff';
import { isTree, TARGETS } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { collaborativeModels } from '../generate/collaborative-model.js';
import { type OpenModel, openModel } from '../generate/open-model.js';
import type { CommandName } from '../generate/recipe.js';
import type { NamedFile, Request } from '../generate/request.js';
import { requireFile } from '../generate/required-file.js';
import type { SamplingModels } from '../generate/sampling-model.js';
import { singleModels } from '../generate/single-model.js';
import { TextReader } from '../generate/text-reader.js';
import { InputError } from '../input-error.js';

/** A model that an evaluation samples from, found but not loaded. */
export interface EvaluatedModel {
  readonly command: CommandName;
  readonly open: OpenModel;
  readonly reads: { readonly text: TextReader | undefined; readonly mask: boolean };
}

/**
 * Open the model of a config and a checkpoint, of whichever kind it is.
 * @throws InputError, one line, where one does not fit the other, or the model has other conditions than mask and text
 */
export async function openEvaluated(config: NamedFile, checkpoint: NamedFile): Promise<EvaluatedModel> {
  await requireFile('config_path', config);
  const command = await kindOf(config.path);
  const open = await openModel({ command, config, checkpoint, freeU: undefined }, { name: 'evaluate' });
  const { model } = open;
  try {
    if (
      model instanceof LatentDiffusionCompose &&
      model.conditions.some((name) => name !== 'text' && name !== 'seg_mask')
    ) {
      throw new InputError(
        `${config.path}: the model reads ${model.conditions.join(', ')}; evaluate samples from models of text and seg_mask (make its images with 'codiff generate', and give them as --images)`,
      );
    }
    const text = command === 'mask2image' ? undefined : await TextReader.of(model);
    return { command, open, reads: { text, mask: command !== 'text2image' } };
  } catch (error) {
    await open.weights.close();
    throw error;
  }
}

async function kindOf(path: string): Promise<CommandName> {
  const { target, params } = (await loadConfig(path, { registry: codiffRegistry })).model;
  if (target === COMPOSE_TARGETS.latentDiffusionCompose) return 'generate';
  const encoder = isTree(params?.cond_stage_config) ? params.cond_stage_config.target : undefined;
  if (encoder === TARGETS.bert) return 'text2image';
  if (encoder === TARGETS.segMaskEncoder) return 'mask2image';
  throw new InputError(
    `${path}: the config is of ${target}; evaluate samples from models of a text, of a mask, or of both`,
  );
}

/** The model, compiled. @param branches of the engine */
export const samplingModels = (
  { open }: EvaluatedModel,
  precision: Request['precision'],
  branches: number,
): SamplingModels =>
  open.model instanceof LatentDiffusionCompose
    ? collaborativeModels(open.model, precision, branches)
    : singleModels(open.model, precision, branches);
