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
  sketch_path: 'wanted a sketch: a .pt tensor [1,1024] as `codiff dataset prepare` writes it, or a square PNG or JPEG',
  input_image_path: `wanted an image such as ${DEMO}image_256.png`,
  edited_mask: `wanted a mask such as ${DEMO}edited_mask_256.png`,
  from: 'wanted an image that generate, text2image or mask2image has written',
} as const;

/**
 * See that a file is there.
 * @param kind of file @param flag that names it, where that is another than the kind's own
 * @throws InputError saying which file is missing, whether the user asked for it, and what would do
 */
export async function requireFile(
  kind: keyof typeof ADVICE,
  { path, isDefault }: NamedFile,
  flag: string = kind,
): Promise<void> {
  let isFile: boolean;
  try {
    isFile = (await stat(path)).isFile();
  } catch (error) {
    if (!(error instanceof Error && 'code' in error)) throw error;
    const missing = error.code === 'ENOENT' || error.code === 'ENOTDIR';
    const origin = isDefault ? `the default of --${flag}` : `--${flag}`;
    throw new InputError(
      `${path} (${origin}) ${missing ? 'is not there' : `cannot be read (${error.message})`}; ${ADVICE[kind]}`,
    );
  }
  if (!isFile) throw new InputError(`${path} (--${flag}) is not a file; ${ADVICE[kind]}`);
}
