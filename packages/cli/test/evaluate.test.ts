import { readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { synthesize } from '@codiff/trainer';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type EvaluateFlags, evaluateFlags } from '../src/evaluate/flags.js';
import { type EvaluationResult, evaluate as run } from '../src/evaluate/run.js';
import { runCli } from './run-cli.js';
import { tinyWorld } from './tiny-models.js';

/** Faces of the data set. */
const FACES = 12;
const IMAGES = 'faces/image/image_64';

/** No flag given. */
const NONE = Object.fromEntries(Object.keys(evaluateFlags).map((name) => [name, undefined])) as EvaluateFlags;

let world = '';
beforeAll(async () => {
  world = await tinyWorld(['mask', 'codiff_mask_text']);
  await synthesize({ n: FACES, size: 64, seed: 3, out: join(world, 'faces') });
});
afterAll(() => rmSync(world, { recursive: true }));

const evaluate = (...args: readonly string[]) => runCli(world, ['evaluate', ...args, '--device', 'cpu']);

describe('codiff evaluate', () => {
  it('names the network that is missing, and where it goes', async () => {
    const { code, stderr } = await evaluate('--images', IMAGES, '--reference', IMAGES);
    expect(code).toBe(2);
    expect(stderr).toContain('pretrained/evaluators/drawing_classifier.safetensors is missing');
    expect(stderr).toContain('codiff evaluate train classifier');
  });

  it('trains the networks of drawings', { timeout: 120_000 }, async () => {
    const run = await evaluate('train', '--drawings', '100', '--held_out', '50', '--steps', '2');
    expect(run).toMatchObject({ code: 0 });
    expect(run.stdout).toMatch(/drawing_parser\.safetensors: accuracy 0\.\d+ on 50 held-out drawings, 2 steps/);
    expect(run.stdout).toMatch(/drawing_classifier\.safetensors: accuracy 0\.\d+ .*\(gender /);
  });

  it('of a folder against itself: distance 0, accuracy 1', async () => {
    const { code, stdout, stderr } = await evaluate('--images', IMAGES, '--reference', IMAGES);
    expect(code, stderr).toBe(0);
    expect(stdout).toMatch(/^metric +all \(12 images\)$/m);
    expect(stdout).toMatch(/^mask_accuracy +1\.0000 \[1\.0000, 1\.0000\]$/m);
    expect(stdout).toMatch(/^mask_miou +1\.0000/m);
    expect(stdout).toMatch(/^frechet +0\.000 /m);
    expect(stderr).toContain('against the parsed reference images');
    expect(stderr).toContain('warning: Frechet distance of 12 images');
  });

  it('of the drawings by their own masks and captions', async () => {
    const { code, stdout, stderr } = await evaluate('--images', IMAGES, '--data', 'faces', '--json');
    expect(code, stderr).toBe(0);
    const { rows } = JSON.parse(stdout) as EvaluationResult;
    const metrics = [
      'mask_accuracy',
      'mask_miou',
      'text_consistency',
      'text_gender',
      'text_age',
      'text_beard',
      'frechet',
      'kid',
    ];
    expect(rows.map(({ metric }) => metric)).toEqual(metrics);
    for (const { low, value, high, n } of rows) {
      expect(low).toBeLessThanOrEqual(value);
      expect(value).toBeLessThanOrEqual(high);
      expect(n).toBe(FACES);
    }
  });

  it('samples a model, goes on with its folder, and keeps to it', { timeout: 240_000 }, async () => {
    const folder = 'outputs/evaluated';
    const args = [
      ...[
        '--config_path',
        'configs/tiny_codiff_mask_text.yaml',
        '--ckpt_path',
        'pretrained/tiny_codiff_mask_text.ckpt',
      ],
      ...['--data', 'faces', '--num_samples', '12', '--samples_per_condition', '2', '--ddim_steps', '2'],
      ...['--batch_size', '4', '--save_folder', folder, '--json'],
    ];
    const first = await evaluate(...args);
    expect(first.code, first.stderr).toBe(0);
    const result = JSON.parse(first.stdout) as EvaluationResult;
    expect(result).toMatchObject({ images: 12, reference: FACES, seed: 0, folder });
    expect(result.rows.find(({ metric }) => metric === 'diversity')).toMatchObject({ n: 6 });
    const images = readdirSync(join(world, folder)).filter((name) => name.endsWith('.png'));
    expect(images.sort()).toEqual(Array.from({ length: 12 }, (_, i) => `${i % 6}_${Math.floor(i / 6)}.png`).sort());
    rmSync(join(world, folder, '3_1.png'));
    const kept = statSync(join(world, folder, '3_0.png')).mtimeMs;
    const second = await evaluate(...args);
    expect(second.code, second.stderr).toBe(0);
    expect(statSync(join(world, folder, '3_0.png')).mtimeMs).toBe(kept);
    const values = ({ rows }: EvaluationResult) => rows.map(({ metric, value }) => [metric, value.toFixed(2)]);
    expect(values(JSON.parse(second.stdout) as EvaluationResult)).toEqual(values(result));
    const other = await evaluate(...args, '--seed', '1');
    expect(other.code).toBe(2);
    expect(other.stderr).toContain('images of another model, sampler, seed or other conditions');
  });

  it.each([
    [{ images: IMAGES, config_path: 'a', ckpt_path: 'b' }, 'name what to evaluate'],
    [{ config_path: 'configs/tiny_mask.yaml' }, 'one of them is missing'],
    [{ images: IMAGES, reference: IMAGES, data: 'faces' }, 'wanted one of them'],
    [{ images: IMAGES, reference: IMAGES, protocol: 'both' as const }, 'too few images: 12; wanted at least 3000'],
    [
      { config_path: 'a', ckpt_path: 'b', protocol: 'both' as const, num_samples: 60 },
      '--num_samples is 60; wanted at least 3000 for --protocol both',
    ],
    [{ images: 'configs', reference: IMAGES }, 'configs holds no image'],
    [{ images: IMAGES, reference: IMAGES, eta: 1 }, '--eta is for --config_path'],
  ])('refuses %j', async (flags, message) => {
    const before = process.cwd();
    process.chdir(world);
    try {
      await expect(run({ ...NONE, ...flags, quiet: true })).rejects.toThrow(message);
    } finally {
      process.chdir(before);
    }
  });
});
