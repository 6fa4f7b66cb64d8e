import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import { tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { OutputFolder } from '../generate/output-folder.js';
import { drawSeed } from '../generate/request.js';
import { checkBranchFits } from './branches.js';
import { closing } from './closing.js';
import { recordedSeed } from './imagic-folder.js';
import { checkCollaborative } from './prepare-collaborative.js';
import { type PreparedImagic, prepareImagic } from './prepare-imagic.js';
import type { bothRequests } from './requests.js';
import { type ImagicOutcome, runImagic } from './run-imagic.js';
import { type EditSession, inSession } from './session.js';

/** The edits that `edit both` is made of. */
export type BothRequests = ReturnType<typeof bothRequests>;

/** An image edited by text and by mask. */
export interface TunedBoth {
  readonly device: string;
  readonly parts: readonly [text: ImagicOutcome, mask: ImagicOutcome];
}

/**
 * Check everything that `edit both` names, then edit the image by text and by mask: by one start of the engine.
 * @throws InputError or UsageError, one line each, before anything that takes long; Interrupted after Ctrl-C
 */
export async function tuneBoth(requests: BothRequests): Promise<TunedBoth> {
  const together = await checkCollaborative(requests.together);
  await (await OutputFolder.open(requests.together.folder)).discardIfEmpty();
  const drawn = (await recordedSeed(requests.mask)) ?? drawSeed();
  const text = await prepareImagic(requests.text, () => drawn);
  return closing([text], async () => {
    checkBranchFits(text, requests.together.config.path, together);
    const mask = await prepareImagic(requests.mask, () => text.settings.seed);
    return closing([mask], async () => {
      checkBranchFits(mask, requests.together.config.path, together);
      return inSession(requests.text, async (session) => ({
        device: session.info.device,
        parts: await runInTurn(text, mask, session),
      }));
    });
  });
}

/**
 * Edit an image by text, then by mask. It is encoded once where both models have the same first stage. The results are those of
 * the two commands.
 */
export async function runInTurn(
  text: PreparedImagic,
  mask: PreparedImagic,
  session: EditSession,
): Promise<TunedBoth['parts']> {
  session.note(`edit text, in ${text.folder.path}`);
  const { firstStage, ...byText } = await runImagic(text, session, { keep: true });
  try {
    const shared = firstStage && (await sameFirstStage(text, mask)) ? firstStage : undefined;
    session.note(`edit mask, in ${mask.folder.path}`);
    return [byText, await runImagic(mask, session, shared ? { firstStage: shared } : {})];
  } finally {
    tf.dispose(tensorsOf(firstStage));
  }
}

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
