import { existsSync } from 'node:fs';
import { copyFile, mkdir, readdir, rm } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { synthesize } from '@codiff/trainer';
import { isRead, SHIPPED, STAGE_NAMES, shippedFile } from '../pretrain/stage-table.js';
import { type DemoOptions, DemoUsageError } from './options.js';
import { STAGES } from './stages.js';
import type { StatusLine } from './status-line.js';

/** Where the configs look for the faces. */
export const DATA = 'dataset/demo';
/** Side of the images. */
const SIZE = 64;
const SEED = 1;

/** What the demo makes in its folder, and all that `--force` throws away. */
const OWN = ['configs', 'dataset', 'logs', 'pretrained', 'images', 'demo.json', 'report.html', 'picture.png'];

/**
 * Make the demo's folder: it is laid out like the repository, so that the configs' paths hold in it.
 * @throws DemoUsageError for a folder that holds something else
 */
export async function prepareFolder({ mode, out, force, configs }: DemoOptions): Promise<void> {
  if (force) for (const name of OWN) await rm(join(out, name), { recursive: true, force: true });
  await mkdir(out, { recursive: true });
  const foreign = (await readdir(out)).filter((name) => !OWN.includes(name) && !name.startsWith('.'));
  if (foreign.length > 0) {
    throw new DemoUsageError(
      `demo: ${out} holds ${foreign.slice(0, 3).join(', ')}, which is not the demo's; name another folder with --out`,
    );
  }
  for (const folder of ['configs', 'dataset', 'logs', 'pretrained'])
    await mkdir(join(out, folder), { recursive: true });
  if (mode !== 'pretrained') {
    for (const { config } of STAGES) await copyFile(join(configs, basename(config)), join(out, config));
    return;
  }
  const shipped = join(out, SHIPPED);
  await mkdir(shipped, { recursive: true });
  for (const name of STAGE_NAMES.filter(isRead)) {
    for (const ending of ['safetensors', 'yaml'] as const) {
      const file = basename(shippedFile(name, ending));
      await copyFile(join(configs, file), join(shipped, file));
    }
  }
  // Made anew each time, which takes no longer than to find out whether they are those of these weights.
  await rm(join(out, 'images'), { recursive: true, force: true });
}

/** Draw the faces, unless they are there. They appear whole or not at all. */
export async function drawFaces(faces: number, line: StatusLine): Promise<void> {
  if (existsSync(DATA)) return line.done(`data    ${faces} faces are there`);
  const began = performance.now();
  await synthesize({
    n: faces,
    size: SIZE,
    seed: SEED,
    out: DATA,
    onFace: (done) => line.show(`data    ${done} of ${faces} faces drawn`),
  });
  line.done(`data    ${faces} faces drawn in ${((performance.now() - began) / 1000).toFixed(0)} s`);
}
