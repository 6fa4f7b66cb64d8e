import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { CheckpointError } from '@codiff/ldm-core';
import { hashFile } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import type { NamedFile } from '../generate/request.js';
import { InputError, oneLine } from '../input-error.js';
import { FILES, stemOf } from './imagic-files.js';
import type { Modality } from './imagic-request.js';
import type { ImagicSettings } from './settings.js';
import { stageRecordOf } from './stage-record.js';
import { readTensors } from './tensor-files.js';

/** A finished edit by text or mask in a folder. */
export interface EditedFolder {
  readonly folder: string;
  readonly target: string;
  readonly optimized: string;
  /** The whole tuned model. */
  readonly weights: string;
  /** SHA-256 over the three. */
  readonly sha256: string;
  /** What the edit was made of; undefined where the original's own script made it. */
  readonly settings: ImagicSettings | undefined;
}

/** The original's endings of the same files. */
const ORIGINAL_ENDINGS: Readonly<Record<string, string>> = {
  [FILES.target]: '.pt',
  [FILES.optimized]: '.pt',
  [FILES.weights]: '.ckpt',
};

/**
 * Find what `edit text` or `edit mask`, or the original's scripts, left in a folder.
 * @param flag that names the folder
 * @throws InputError naming the file that is missing, and the command that makes it
 */
export async function openEditedFolder(
  modality: Modality,
  { path: folder, isDefault }: NamedFile,
  flag: string,
): Promise<EditedFolder> {
  const find = (name: string): string => {
    const found = [name, stemOf(name) + ORIGINAL_ENDINGS[name]].find((each) => existsSync(join(folder, each)));
    if (found !== undefined) return join(folder, found);
    const origin = isDefault ? `the default of --${flag}` : `--${flag}`;
    throw new InputError(
      `${folder} (${origin}) holds no ${name}; wanted the folder of a finished edit: run codiff edit ${modality} first ` +
        `(test_data/demo/ has an image and an edited mask), or codiff edit both for all at once`,
    );
  };
  const [target, optimized, weights] = [find(FILES.target), find(FILES.optimized), find(FILES.weights)];
  try {
    const hash = createHash('sha256');
    for (const path of [target, optimized, weights]) hash.update(await hashFile(path));
    const settings = (await stageRecordOf(weights))?.settings;
    if (settings !== undefined) checkModality(modality, settings, folder, flag);
    return { folder, target, optimized, weights, sha256: hash.digest('hex'), settings };
  } catch (error) {
    throw damaged(error);
  }
}

/** Two edits of one image have like files: only what they were made of tells which is which. */
function checkModality(modality: Modality, { text }: ImagicSettings, folder: string, flag: string): void {
  const found: Modality = text === undefined ? 'mask' : 'text';
  if (found === modality) return;
  throw new InputError(
    `${folder} (--${flag}) holds an edit by ${found}; wanted the folder of an edit by ${modality}, and this one by --imagic_${found}_folder`,
  );
}

/**
 * Both embeddings of an edit, each [1,L,D]; the caller owns them.
 * @throws InputError if they are no pair of embeddings
 */
export async function readEmbeddings(
  edited: Pick<EditedFolder, 'folder' | 'target' | 'optimized'>,
): Promise<{ readonly target: tf.Tensor3D; readonly optimized: tf.Tensor3D }> {
  const [target, optimized] = [await readOne(edited.target), await readOne(edited.optimized)];
  if (target.rank === 3 && target.shape.join() === optimized.shape.join()) {
    return { target: target as tf.Tensor3D, optimized: optimized as tf.Tensor3D };
  }
  tf.dispose([target, optimized]);
  throw new InputError(
    `${edited.folder}: emb_tgt is [${target.shape}] and emb_opt [${optimized.shape}]; wanted two embeddings [1,L,D] of one edit`,
  );
}

async function readOne(path: string): Promise<tf.Tensor> {
  let tensors: Map<string, tf.Tensor>;
  try {
    ({ tensors } = await readTensors(path));
  } catch (error) {
    throw damaged(error);
  }
  const [first, ...others] = tensors.values();
  if (first !== undefined && others.length === 0) return first;
  tf.dispose([...tensors.values()]);
  throw new InputError(`${path} holds ${tensors.size} tensors; wanted one embedding`);
}

const damaged = (error: unknown): unknown =>
  error instanceof CheckpointError ? new InputError(oneLine(error), { cause: error }) : error;
