import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { specsOf } from '@codiff/codiff';
import { initCheckpoint, loadConfig } from '@codiff/ldm-core/node';
import { synthesize, trainerRegistry } from '@codiff/trainer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { withoutZeros } from '../../packages/cli/test/tiny-models.js';
import { EvidenceError } from './evidence-error.js';
import { METHODS } from './methods.js';
import { NOISE_TIMESTEPS } from './noise-errors.js';
import { parseOptions } from './options.js';
import { PAIRED_METRICS } from './paired-metrics.js';
import { type EvidenceRecord, METRICS, readRecord, writeRecord } from './record.js';
import { runEvidence } from './run.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const SMALL = [
  ...['--config', 'configs/demo_codiff_mask_text.yaml', '--weights', 'pretrained/demo_codiff_mask_text.ckpt'],
  ...['--evaluators', join(ROOT, 'pretrained'), '--batch', '12', '--held-out', '24', '--edit-steps', '1'],
];
const PAIRS = ['--n', '12', '--validation', '10', '--twice', '10', '--steps', '2'];

/** The configs of the demo, as narrow as the networks can be, and a checkpoint of seeded weights for each. */
async function narrowWorld(): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'evidence-'));
  for (const folder of ['configs/ablations', 'pretrained']) mkdirSync(join(root, folder), { recursive: true });
  const names = ['demo_vae', 'demo_text', 'demo_mask', 'demo_codiff_mask_text'];
  for (const name of names) {
    const text = readFileSync(join(ROOT, `configs/${name}.yaml`), 'utf8')
      .replace(/ch_mult: \[1, 1, 2\]/g, 'ch_mult: [1, 1, 1]')
      .replace(/model_channels: 64/g, 'model_channels: 32')
      .replace(/channel_mult: \[1, 2\]/g, 'channel_mult: [1]')
      .replace(/attention_resolutions: \[(1, )?2\]/g, 'attention_resolutions: [1]')
      .replace(/test_dataset_size: \d+/g, 'test_dataset_size: 2');
    writeFileSync(join(root, `configs/${name}.yaml`), text);
  }
  for (const name of names) {
    const config = await loadConfig(`configs/${name}.yaml`, { registry: trainerRegistry, root });
    await initCheckpoint(join(root, `pretrained/${name}.ckpt`), withoutZeros(specsOf(config)), 7);
  }
  const ablation = 'configs/ablations/constant_over_space.yaml';
  cpSync(join(ROOT, ablation), join(root, ablation));
  // Two batches of 8 to train on.
  await synthesize({ n: 18, size: 64, seed: 3, out: join(root, 'dataset/demo') });
  return root;
}

let world = '';
const before = process.cwd();
beforeAll(async () => {
  world = await narrowWorld();
  process.chdir(world);
});
afterAll(() => {
  process.chdir(before);
  rmSync(world, { recursive: true });
});

/** Run the command. @returns exit code and what it printed */
async function evidence(...args: readonly string[]): Promise<{ code: number; output: string }> {
  let output = '';
  const screen = {
    write: (text: string) => {
      output += text;
    },
  };
  const code = await runEvidence(parseOptions([...SMALL, ...args], world)!, screen);
  return { code, output };
}

const record = (): EvidenceRecord => readRecord(join(world, 'docs/evidence.json'));
const folder = (name: string): string => join(world, 'outputs/evidence', name);

describe('npm run evidence, with weights that were never trained', () => {
  it('has nothing to compare with, or to go on with, before it was run', async () => {
    await expect(evidence('--quick')).rejects.toThrow(EvidenceError);
    await expect(evidence(...PAIRS, '--resume')).rejects.toThrow('holds no run to go on with');
    await expect(evidence(...PAIRS, '--weights', 'pretrained')).rejects.toThrow(
      'pretrained/codiff.safetensors, pretrained/text.safetensors, pretrained/mask.safetensors are missing',
    );
    await expect(evidence(...PAIRS, '--config', 'configs/none.yaml')).rejects.toThrow('configs/none.yaml is missing');
    await expect(evidence(...PAIRS, '--evaluators', 'nowhere')).rejects.toThrow(
      'drawing_classifier.safetensors is missing',
    );
  });

  it('makes the table, the pictures and the page', { timeout: 600_000 }, async () => {
    const { code, output } = await evidence(...PAIRS);
    expect(code, output).toBe(0);
    const { rows, real, claims, grid, fixedMix, pictures, quick } = record();
    expect(rows.map(({ method, metric }) => `${method} ${metric}`).sort()).toEqual(
      METHODS.flatMap((method) => METRICS.map((metric) => `${method} ${metric}`)).sort(),
    );
    for (const { low, value, high, metric, n } of rows) {
      expect(low).toBeLessThanOrEqual(value);
      expect(value).toBeLessThanOrEqual(high);
      expect(n).toBe(metric === 'diversity' ? 10 : 12);
    }
    // Parser and classifier are good at real drawings.
    const [accuracy, , text] = real;
    expect([accuracy!.metric, text!.metric]).toEqual(['mask_accuracy', 'text_consistency']);
    expect(accuracy!.value).toBeGreaterThan(0.95);
    expect(text!.value).toBeGreaterThan(0.8);
    expect(claims.consistency).toHaveLength(18);
    expect(claims.quality).toHaveLength(6);
    const frechet = (method: string) => rows.find((row) => row.method === method && row.metric === 'frechet')!.value;
    for (const { method, baseline, difference, low, high, n } of claims.quality) {
      expect(difference).toBeCloseTo(frechet(method) - frechet(baseline), 6);
      expect(low).toBeLessThan(high);
      expect(n).toBe(12);
    }
    expect(grid).toHaveLength(11);
    expect(grid.map(({ weight }) => weight)).toContain(fixedMix);
    expect(quick).toMatchObject({ pairs: 12, twice: 10 });
    expect(readdirSync(folder('text-only'))).toHaveLength(22);
    const files = ['mask-and-text', 'baselines', 'influence', 'same-mask', 'same-text', 'edits'];
    expect(pictures!.map(({ file }) => file)).toEqual(files.map((name) => `evidence/${name}.png`));
    for (const { file, bytes } of pictures!) expect(statSync(join(world, 'docs', file)).size).toBe(bytes);
    const page = readFileSync(join(world, 'docs/evidence.md'), 'utf8');
    expect(page).toContain('## What holds, and what does not');
    expect(page).toContain('![the same start noise by every method](evidence/baselines.png)');
  });

  it('goes on where it was: what is there is kept, what is missing is made again, alike', {
    timeout: 600_000,
  }, async () => {
    const { rows } = record();
    const [name, other] = ['8000_0.png', '8011_0.png'];
    const kept = statSync(join(folder('mask-only'), other)).mtimeMs;
    const bytes = readFileSync(join(folder('mask-only'), name));
    rmSync(join(folder('mask-only'), name));
    const { code, output } = await evidence(...PAIRS, '--resume');
    expect(code, output).toBe(0);
    expect(statSync(join(folder('mask-only'), other)).mtimeMs).toBe(kept);
    expect(readFileSync(join(folder('mask-only'), name)).equals(bytes)).toBe(true);
    expect(record().rows).toEqual(rows);
  });

  it('keeps out of a folder of other settings, and of one that is not its own', async () => {
    await expect(evidence(...PAIRS, '--force', '--out', 'configs')).rejects.toThrow(
      "and no run.json, so it is no run's",
    );
    expect(readdirSync('configs')).toContain('demo_vae.yaml');
    await expect(evidence(...PAIRS.slice(0, -1), '3')).rejects.toThrow('images of other weights or settings');
    await expect(evidence(...PAIRS, '--n', '15')).rejects.toThrow(/15 pairs and 10 .* more than the 24 held-out faces/);
  });

  it('passes a quick run on its own table, and fails it on another', { timeout: 600_000 }, async () => {
    const passed = await evidence('--quick');
    expect(passed.output).toContain('all 30 values lie in the intervals');
    expect(passed.code).toBe(0);
    const full = record();
    const path = join(world, 'docs/other.json');
    const shifted = full.rows.map((row) =>
      row.method === 'collaborative' && row.metric === 'mask_accuracy'
        ? { ...row, value: row.value + 0.9, low: row.low + 0.9, high: row.high + 0.9 }
        : row,
    );
    await writeRecord(path, { ...full, rows: shifted });
    const failed = await evidence('--quick', '--resume', '--json', 'docs/other.json');
    expect(failed.code).toBe(1);
    expect(failed.output).toMatch(/MISSED collaborative +mask_accuracy/);
    await writeRecord(path, { ...full, hashes: { 'pretrained/demo_codiff_mask_text.ckpt': 'another' } });
    await expect(evidence('--quick', '--resume', '--json', 'docs/other.json')).rejects.toThrow('is of other weights');
  });

  it('trains and measures the ablations, once, and adds them to the page', { timeout: 600_000 }, async () => {
    const { code, output } = await evidence('ablations', '--train-steps', '2');
    expect(code, output).toBe(0);
    const { ablations, rows } = record();
    expect(ablations!.runs).toMatchObject([
      { name: 'control', config: 'configs/demo_codiff_mask_text.yaml', steps: 2 },
      { name: 'constant_over_space', config: 'configs/ablations/constant_over_space.yaml', steps: 2 },
      { name: 'collaborative', config: null, steps: null },
    ]);
    const shipped = (metric: string) =>
      rows.find((row) => row.method === 'collaborative' && row.metric === metric)!.value;
    const again = ablations!.rows.filter(({ method }) => method === 'collaborative');
    expect(again.find(({ metric }) => metric === 'mask_accuracy')!.value).toBe(shipped('mask_accuracy'));
    // Each variant and the shipped model against the control, by every metric.
    expect(ablations!.differences).toHaveLength(2 * PAIRED_METRICS.length);
    for (const { name, metric, difference, low, high } of ablations!.differences) {
      const value = (method: string) =>
        ablations!.rows.find((row) => row.method === method && row.metric === metric)!.value;
      expect(difference).toBeCloseTo(value(name) - value('control'), 6);
      expect(low).toBeLessThanOrEqual(high);
    }
    expect(readFileSync(join(world, 'docs/evidence.md'), 'utf8')).toContain('| constant_over_space | 2, ');
    const runs = readdirSync(folder('ablations/control-2')).length;
    expect((await evidence('ablations', '--train-steps', '2')).code).toBe(0);
    expect(readdirSync(folder('ablations/control-2'))).toHaveLength(runs);
    // Nothing was trained now, so the machine is still that of the training.
    expect(record().ablations).toEqual(ablations);
    expect(existsSync(folder('ablations/control-2/done.json'))).toBe(true);
  });

  it('prints the errors of the noise, the same for batches of any size', { timeout: 600_000 }, async () => {
    const page = readFileSync(join(world, 'docs/evidence.md'), 'utf8');
    const { code, output } = await evidence('noise');
    expect(code).toBe(0);
    const rows = output.split('\n').filter((line) => line.startsWith('|'));
    expect(rows).toHaveLength(2 + NOISE_TIMESTEPS.length + 1);
    expect(rows[2]).toMatch(
      /^\| 950 (\| \*{0,2}\d+\.\d{4}\*{0,2} ){2}\| [01](\.\d+)? (\| \*{0,2}\d+\.\d{4}\*{0,2} ){3}\| 0\.\d\d \|$/,
    );
    expect(output).toContain('means over 12 held-out faces');
    const smaller = await evidence('noise', '--batch', '7');
    const numbers = (text: string): number[] => [...text.matchAll(/\d+(\.\d+)?/g)].map(([number]) => Number(number));
    const again = smaller.output.split('\n').filter((line) => line.startsWith('|'));
    for (const [at, number] of numbers(rows.join()).entries()) expect(numbers(again.join())[at]).toBeCloseTo(number, 3);
    expect(readFileSync(join(world, 'docs/evidence.md'), 'utf8')).toBe(page);
  });

  it('writes the page again from the record alone', async () => {
    const path = join(world, 'docs/evidence.md');
    const page = readFileSync(path, 'utf8');
    rmSync(path);
    await evidence('page');
    expect(readFileSync(path, 'utf8')).toBe(page);
  });
});
