import { stat } from 'node:fs/promises';
import { InputError } from '../input-error.js';
import type { NamedFile } from './request.js';

/** Where this repository's own inputs lie. */
const DEMO = 'test_data/demo/';

/** What to do about a file that is not there, by the flag that names it. */
const ADVICE = {
  config_path: `wanted a config such as those in configs/ (${DEMO}README.md shows a run that needs no download)`,
  ckpt_path: `wanted the checkpoint of this config: see pretrained/README.md, or try without it as ${DEMO}README.md shows`,
  mask_path: `wanted a mask such as ${DEMO}mask_512.png`,
  from: 'wanted an image that generate, text2image or mask2image has written',
} as const;

/**
 * See that a file is there.
 * @param flag that names it
 * @throws InputError saying which file is missing, whether the user asked for it, and what would do
 */
export async function requireFile(flag: keyof typeof ADVICE, { path, isDefault }: NamedFile): Promise<void> {
  let isFile: boolean;
  try {
    isFile = (await stat(path)).isFile();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const missing = error.code === 'ENOENT' || error.code === 'ENOTDIR';
    const origin = isDefault ? `the default of --${flag}` : `--${flag}`;
    throw new InputError(
      `${path} (${origin}) ${missing ? 'is not there' : `cannot be read (${error.message})`}; ${ADVICE[flag]}`,
    );
  }
  if (!isFile) throw new InputError(`${path} (--${flag}) is not a file; ${ADVICE[flag]}`);
}
