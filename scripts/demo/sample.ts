import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DATA } from './prepare.js';
import type { DemoModels } from './stages.js';

/** What a held-out face gives as conditions, and what was made of them. Paths within the demo's folder. */
export interface Samples {
  readonly text: string;
  readonly mask: string;
  readonly original: string;
  /** Made from the text alone, the mask alone, and both, in this order. */
  readonly rows: readonly { readonly command: string; readonly what: string; readonly images: readonly string[] }[];
  /** The mask's influence on the first image at every step, as a sheet. */
  readonly influence: string;
  /** `codiff generate`'s own page: every step, and who had influence where and when. */
  readonly page: string;
}

/** Images of each row. */
const COUNT = 4;
const SEED = 1;

/**
 * Make images of a held-out face's text and mask: from each alone, and from both together. The commands are those a
 * user types. @param root the repository @param index of the held-out face; the working directory is the demo's folder
 */
export async function sampleHeldOut(
  root: string,
  index: number,
  models: DemoModels,
  onRow: (what: string) => void,
): Promise<Samples> {
  const captions = JSON.parse(
    await readFile(join(DATA, 'text/captions_hq_beard_and_age_2022-08-19.json'), 'utf8'),
  ) as Record<string, { Beard_and_Age: string }>;
  const text = captions[`${index}.jpg`]!.Beard_and_Age;
  const mask = join(DATA, 'mask_png_64', `${index}.png`);
  const plan = [
    { command: 'text2image', model: models.text, what: 'text alone', inputs: ['--input_text', text] },
    {
      command: 'mask2image',
      model: models.mask,
      what: 'mask alone',
      inputs: ['--mask_path', mask, '--save_mixed', '0'],
    },
    {
      command: 'generate',
      model: models.codiff,
      what: 'both together',
      inputs: ['--input_text', text, '--mask_path', mask, '--return_influence_function', '1', '--report', '1'],
    },
  ];
  const rows: { command: string; what: string; images: string[] }[] = [];
  let influence = '';
  let page = '';
  for (const { command, model, what, inputs } of plan) {
    onRow(what);
    const args = [command, ...inputs, '--config_path', model.config, '--ckpt_path', model.checkpoint];
    args.push('--save_folder', `images/${command}`, '--batch_size', String(COUNT), '--seed', String(SEED));
    const { files } = await codiffCommand(root, args);
    rows.push({
      command: `codiff ${args.map(quoted).join(' ')}`,
      what,
      images: files.filter((f) => f.endsWith('_x_0.png')),
    });
    page ||= files.find((file) => file.endsWith('.html')) ?? '';
    influence ||= files.find((file) => file.endsWith('_seg_mask_influence_function.png')) ?? '';
  }
  return { text, mask, original: join(DATA, 'image/image_64', `${index}.jpg`), rows, influence, page };
}

const quoted = (arg: string): string => (/^[\w./-]+$/.test(arg) ? arg : `"${arg}"`);

/** Run the command line of this repository. @returns what its `--json` tells */
function codiffCommand(root: string, args: readonly string[]): Promise<{ files: string[] }> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [join(root, 'packages/cli/bin/codiff.mjs'), ...args, '--json'], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let [output, errors] = ['', ''];
    child.stdout.on('data', (chunk: Buffer) => {
      output += chunk.toString();
    });
    child.stderr.on('data', (chunk: Buffer) => {
      errors += chunk.toString();
    });
    child.on('error', reject);
    child.on('close', (code) => {
      if (code === 0) resolve(JSON.parse(output) as { files: string[] });
      else reject(new Error(`demo: 'codiff ${args.join(' ')}' ended with ${code ?? 'a signal'}:\n${errors}`));
    });
  });
}
