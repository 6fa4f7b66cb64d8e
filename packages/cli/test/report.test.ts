import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { expectWellFormed } from '../../codiff/test/well-formed.js';
import { readMask, resizeMask } from '../src/generate/mask.js';
import { decodeRgb } from '../src/generate/png/rgb.js';
import { runCli } from './run-cli.js';
import { MASK, tinyWorld } from './tiny-models.js';

let world = '';
beforeAll(async () => {
  world = await tinyWorld(['text', 'codiff_mask_text']);
});
afterAll(() => rmSync(world, { recursive: true }));

const run = (command: string, model: string, ...flags: string[]) =>
  runCli(world, [
    ...[command, '--config_path', `configs/tiny_${model}.yaml`, '--ckpt_path', `pretrained/tiny_${model}.ckpt`],
    ...[
      '--device',
      'cpu',
      '--input_text',
      'A <b>man</b>.',
      '--save_folder',
      'out',
      '--seed',
      '5',
      '--json',
      '--report',
    ],
    ...flags,
  ]);

it('generate --report writes a page of what the influence files show', async () => {
  const flags = ['--mask_path', MASK, '--batch_size', '2', '--ddim_steps', '4', '--return_influence_function'];
  const { code, stdout } = await run('generate', 'codiff_mask_text', ...flags);
  expect(code).toBe(0);
  const { folder, files } = JSON.parse(stdout) as { folder: string; files: string[] };
  expect(files.at(-1)).toBe(join(folder, 'report.html'));
  expect(files.some((file) => file.includes('pred_x0'))).toBe(false);
  const page = readFileSync(join(world, folder, 'report.html'), 'utf8');
  expectWellFormed(page);
  expect(page).toContain('A &lt;b&gt;man&lt;/b&gt;.');

  const sheet = decodeRgb(readFileSync(join(world, folder, '000001_seg_mask_influence_function.png')));
  const { ids } = resizeMask(await readMask(MASK), 16);
  const at = page.indexOf('id="influence-1-seg_mask"');
  const json = /class="plot-data">(.*?)<\/script>/.exec(page.slice(at))![1]!;
  const { series } = JSON.parse(json) as { series: { name: string; points: [number, number][] }[] };
  const skin = series.find(({ name }) => name === 'skin')!;
  expect(skin.points.map(([t]) => t)).toEqual([751, 501, 251, 1]);
  for (const [step, [, mean]] of skin.points.entries()) {
    let [sum, count] = [0, 0];
    for (const [i, id] of ids.entries()) {
      if (id !== 1) continue;
      const [x, y] = [2 + 18 * step + (i % 16), 2 + Math.floor(i / 16)];
      sum += sheet.values[3 * (y * sheet.width + x)]!;
      count++;
    }
    // Files hold levels that are cut off, not rounded.
    expect(Math.abs(255 * mean - sum / count - 0.5)).toBeLessThanOrEqual(0.5);
  }
}, 120_000);

it('text2image --report shows the steps of one model', async () => {
  const { code, stdout } = await run('text2image', 'text', '--batch_size', '1', '--ddim_steps', '2');
  expect(code).toBe(0);
  const { folder, files } = JSON.parse(stdout) as { folder: string; files: string[] };
  expect(files.map((file) => file.slice(folder.length + 1))).toEqual(['000000_x_0.png', 'report.html']);
  const page = readFileSync(join(world, folder, 'report.html'), 'utf8');
  expectWellFormed(page);
  expect(page).toContain('predicted x_0');
  expect(page).not.toContain('Influence over time');
}, 120_000);

it('report writes the page of a training run again', async () => {
  mkdirSync(join(world, 'logs/run'), { recursive: true });
  const lines = [1, 2].map((step) => `{"step":${step},"time":${step},"scalars":{"train/loss":0.5}}\n`);
  writeFileSync(join(world, 'logs/run/log.jsonl'), `${lines.join('')}{"step":3,"ti`);
  expect(await runCli(world, ['report', 'logs/run'])).toEqual({
    code: 0,
    stdout: 'logs/run/report.html\n',
    stderr: '',
  });
  expectWellFormed(readFileSync(join(world, 'logs/run/report.html'), 'utf8'));
  expect(await runCli(world, ['report', 'logs/run', '--out', 'page.html'])).toMatchObject({ stdout: 'page.html\n' });
  expect(await runCli(world, ['report', 'nowhere'])).toEqual({
    code: 2,
    stdout: '',
    stderr: 'codiff: nowhere/log.jsonl: there is no such log; name the folder of a run, as codiff train makes it\n',
  });
}, 60_000);
