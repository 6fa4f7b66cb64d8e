import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { CollaborativeRequest } from './collaborative-request.js';
import { type PreparedCollaborative, prepareCollaborative } from './prepare-collaborative.js';
import type { PreparedImagic } from './prepare-imagic.js';
import { type CollaborativeOutcome, runCollaborative } from './run-collaborative.js';
import { type ImagicOutcome, runImagic } from './run-imagic.js';
import type { EditSession } from './session.js';

/** An image edited by text, by mask, and by both together. */
export interface BothOutcome {
  readonly parts: readonly [Omit<ImagicOutcome, 'edited'>, Omit<ImagicOutcome, 'edited'>, CollaborativeOutcome];
}

/**
 * Edit an image by text and by mask, then let the two edited models collaborate. The image is encoded once where both models
 * have the same first stage, and what is in memory is not read again. The result is that of the three commands.
 */
export async function runBoth(
  text: PreparedImagic,
  mask: PreparedImagic,
  together: Omit<CollaborativeRequest, 'text' | 'mask'>,
  session: EditSession,
): Promise<BothOutcome> {
  const held = new Set<tf.Tensor>();
  let prepared: PreparedCollaborative | undefined;
  try {
    session.note(`edit text, in ${text.folder.path}`);
    const byText = await runImagic(text, session, { keep: true });
    hold(held, byText);
    const shared = (await sameFirstStage(text, mask)) ? byText.edited?.firstStage : undefined;
    session.note(`edit mask, in ${mask.folder.path}`);
    const byMask = await runImagic(mask, session, { keep: true, ...(shared ? { firstStage: shared } : {}) });
    hold(held, byMask);
    session.note(`edit collaborative, in ${together.folder}`);
    const folderOf = ({ folder }: PreparedImagic) => ({ path: folder.path, isDefault: false });
    prepared = await prepareCollaborative({ ...together, text: folderOf(text), mask: folderOf(mask) }, session.note);
    const inMemory = byText.edited && byMask.edited ? { text: byText.edited, mask: byMask.edited } : undefined;
    const both = await runCollaborative(prepared, session, inMemory);
    return { parts: [withoutTensors(byText), withoutTensors(byMask), both] };
  } finally {
    tf.dispose([...held]);
    await prepared?.folder.discardIfEmpty();
    await prepared?.open.weights.close();
  }
}

const hold = (held: Set<tf.Tensor>, { edited }: ImagicOutcome): void => {
  for (const tensor of tensorsOf(edited)) held.add(tensor);
};

const withoutTensors = ({ edited: _, ...outcome }: ImagicOutcome): Omit<ImagicOutcome, 'edited'> => outcome;

/** Whether an image has the same latents in both models: the first stages hold the same bytes, and draws and scale agree. */
async function sameFirstStage(a: PreparedImagic, b: PreparedImagic): Promise<boolean> {
  const partOf = ({ model: { config }, settings }: PreparedImagic) => ({
    ...{ firstStage: config.firstStageConfig, scale: config.scaleFactor, measured: config.scaleByStd },
    seed: settings.seed,
  });
  if (a.settings.image.sha256 !== b.settings.image.sha256 || !isDeepStrictEqual(partOf(a), partOf(b))) return false;
  return (await firstStageHash(a)) === (await firstStageHash(b));
}

async function firstStageHash({ open }: PreparedImagic): Promise<string> {
  const hash = createHash('sha256');
  const copies = [...open.weights.copies()].filter(([key]) => isFirstStage(key)).sort(([a], [b]) => (a < b ? -1 : 1));
  for (const [key, tensor] of copies) hash.update(`${key} ${tensor.dtype}\n`).update(await tensor.take(key));
  return hash.digest('hex');
}

const isFirstStage = (key: string): boolean => key.startsWith('first_stage_model.') || key === 'scale_factor';
