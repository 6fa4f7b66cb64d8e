import { existsSync } from 'node:fs';
import { basename, join } from 'node:path';
import { promptFolder } from '../generate/prompt.js';
import { FILES } from './imagic-files.js';
import type { ImagicRequest } from './imagic-request.js';
import { stageRecordOf } from './stage-record.js';

/** What names the folder of an edit. */
type Named = Pick<ImagicRequest, 'folder' | 'image' | 'text' | 'mask' | 'flags'>;

/** The folder of an edit, as the original names it: by the image, then by the text or the mask. @throws InputError if there can be none */
export function imagicFolder({ folder, image, text, mask, flags }: Named): string {
  const above = join(folder, basename(image.path));
  return text === undefined ? join(above, basename(mask!.path)) : promptFolder(above, text, flags.text);
}

/** Files that say what their edit was made of, the latest first. */
const RECORDED = [FILES.weights, FILES.partWeights, FILES.optimized, FILES.partEmbedding] as const;

/**
 * The seed of what an earlier run has left of the same edit, so that a run that is not given one goes on with it.
 * @returns undefined if there is nothing to go on with
 */
export async function recordedSeed(request: Named & Pick<ImagicRequest, 'force'>): Promise<number | undefined> {
  if (request.force) return undefined;
  const folder = imagicFolder(request);
  for (const name of RECORDED) {
    const path = join(folder, name);
    const record = existsSync(path) ? await stageRecordOf(path) : undefined;
    if (record !== undefined) return record.settings.seed;
  }
  return undefined;
}
