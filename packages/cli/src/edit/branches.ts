import type { Condition, LatentDiffusionCompose } from '@codiff/codiff';
import { CheckpointError, matchKeys, type ParamSpec, type StoredTensor } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import type { OpenModel } from '../generate/open-model.js';
import { MASK_CLASSES } from '../generate/palette.js';
import { InputError, oneLine } from '../input-error.js';
import type { EditedFolder } from './edited-folder.js';
import type { Modality } from './imagic-request.js';
import type { PreparedImagic } from './prepare-imagic.js';
import { unetSpecs } from './tuned-model.js';

type Specs = ReadonlyMap<string, ParamSpec>;

/** Which edit gives which branch of a collaborative model. */
export const BRANCHES: readonly { readonly condition: Condition; readonly edit: Modality }[] = [
  { condition: 'seg_mask', edit: 'mask' },
  { condition: 'text', edit: 'text' },
];

/** The UNet of a branch in a collaborative model: what its keys begin with instead of `model.`, and what it stores. */
export function branchUNet(specs: Specs, edit: Modality): { readonly prefix: string; readonly specs: Specs } {
  const { condition } = BRANCHES.find((branch) => branch.edit === edit)!;
  const prefix = `model.${condition}_unet.`;
  return { prefix, specs: new Map([...specs].filter(([key]) => key.startsWith(prefix))) };
}

/**
 * See that a model which is about to be tuned fits its branch: after hours it would be late.
 * @param config of the collaborative model, for the error
 * @throws InputError naming a weight that does not fit
 */
export function checkBranchFits(
  { request, open }: Pick<PreparedImagic, 'request' | 'open'>,
  config: string,
  together: Pick<OpenModel, 'specs'>,
): void {
  const branch = branchUNet(together.specs, request.modality);
  const own = new Map(
    [...unetSpecs(open.specs)].map(([key, spec]) => [branch.prefix + key.slice('model.'.length), spec]),
  );
  const shapeOf = (spec: ParamSpec | undefined) => (spec ? `[${spec.shape}]` : 'not there');
  const key = [...branch.specs.keys(), ...own.keys()].find(
    (each) => shapeOf(branch.specs.get(each)) !== shapeOf(own.get(each)),
  );
  if (key === undefined) return;
  throw new InputError(
    `${request.config.path} and ${config} do not go together: ${key} is ${shapeOf(own.get(key))} in the one and ` +
      `${shapeOf(branch.specs.get(key))} in the other; wanted the ${request.modality} model that the collaborative one was made of`,
  );
}

/**
 * See that a finished edit fits its branch of a collaborative model; headers are read, values are not.
 * @param config of the collaborative model, for the error
 * @throws InputError saying what does not fit
 */
export async function checkEditFits(
  modality: Modality,
  { folder, target, optimized, weights }: Pick<EditedFolder, 'folder' | 'target' | 'optimized' | 'weights'>,
  config: string,
  { open, model }: { readonly open: Pick<OpenModel, 'specs'>; readonly model: LatentDiffusionCompose },
): Promise<void> {
  const width = model.unet.predictorConfig.contextDim;
  const length = modality === 'mask' ? MASK_CLASSES.length : undefined;
  for (const path of [target, optimized]) {
    const [embedding, ...others] = (await header(path)).values();
    const [B, L, D] = embedding?.shape ?? [];
    const isOne = embedding?.shape.length === 3 && others.length === 0 && B === 1;
    if (isOne && D === width && (length === undefined || L === length)) continue;
    throw new InputError(
      `${path} holds ${others.length > 0 ? `${others.length + 1} tensors` : `[${embedding?.shape ?? ''}]`}; wanted an embedding ` +
        `[1,${length ?? 'L'},${width}] of an edit by ${modality}, as ${config} has them`,
    );
  }
  const { prefix, specs } = branchUNet(open.specs, modality);
  const { report } = matchKeys(specs, weights, await header(weights), { prefixMap: [['model.', prefix]], drop: [/./] });
  const [missing, misshapen] = [report.missing[0], report.misshapen[0]];
  if (missing === undefined && misshapen === undefined) return;
  const what = misshapen
    ? `${misshapen.key} is [${misshapen.found.shape}] there and [${misshapen.wanted.shape}] in the model`
    : `it has no ${missing}`;
  throw new InputError(
    `${weights} does not fit ${config}: ${what}; wanted the edit in ${folder} by the ${modality} model that the collaborative one was made of`,
  );
}

/** What a file says that it holds. @throws InputError if it is damaged */
async function header(path: string): Promise<ReadonlyMap<string, StoredTensor>> {
  try {
    const checkpoint = await openCheckpointFile(path);
    await checkpoint.close();
    return checkpoint.tensors;
  } catch (error) {
    throw error instanceof CheckpointError ? new InputError(oneLine(error), { cause: error }) : error;
  }
}
