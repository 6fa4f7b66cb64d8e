import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { useEngine } from '@codiff/engine';
import { buildModel, dumpYaml, initParams, roles } from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import { saveRunCheckpoint, synthesize, trainerRegistry } from '@codiff/trainer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { DRAWINGS } from './drawings.js';
import { type PretrainOptions, parseOptions } from './options.js';
import { pretrain } from './pretrain.js';
import { configOf } from './run-to-resume.js';
import { checkedRecord } from './shipped-record.js';
import { PRETRAIN_STAGES, type PretrainStage, SHIPPED, shippedFile } from './stage-table.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const RUN = 'logs/2026-01-01T00-00-00_pretrain_encoder';

let root: string;
let stage: PretrainStage;
const said: string[] = [];
const run = (...words: string[]): Promise<void> =>
  pretrain(parseOptions(words) as PretrainOptions, { root, say: (line) => void said.push(line), stages: [stage] });

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'pretrain-'));
  for (const file of ['configs', 'package.json']) cpSync(join(ROOT, file), join(root, file), { recursive: true });
  const faces = join(root, 'few');
  await synthesize({ n: 12, size: 64, seed: 3, out: faces });
  mkdirSync(join(root, DRAWINGS.root), { recursive: true });
  const { faces: n, size, seed } = DRAWINGS;
  writeFileSync(join(root, DRAWINGS.root, 'synth.json'), JSON.stringify({ n, size, seed }));
  const data = (split: string) => [
    `data.params.${split}.params.image_folder=${faces}/image/image_64`,
    `data.params.${split}.params.text_file=${faces}/text/captions_hq_beard_and_age_2022-08-19.json`,
    `data.params.${split}.params.test_dataset_size=10`,
  ];
  const narrow = 'model.params.ddconfig.ch_mult=[1, 1, 1]';
  const of = PRETRAIN_STAGES[0]!;
  stage = { ...of, steps: 60, overrides: [...of.overrides, narrow, ...data('train'), ...data('validation')] };
  await useEngine({ device: 'cpu', deterministic: true });
  await finishedRun();
});
afterAll(() => rmSync(root, { recursive: true }));

/** What `codiff train` leaves of a stage that it has finished, with weights as drawn. */
async function finishedRun(): Promise<void> {
  const folder = join(root, RUN);
  for (const part of ['configs', 'checkpoints']) mkdirSync(join(folder, part), { recursive: true });
  const config = await configOf(stage, root);
  writeFileSync(join(folder, 'configs/a-project.yaml'), dumpYaml(config));
  const { specs } = buildModel(config, roles.model, trainerRegistry);
  const progress = { epoch: 1, batch: 0, globalStep: stage.steps, batches: stage.steps };
  const record = { version: 1, progress, seed: stage.seed, best: [], config } as const;
  const weights = initParams(specs, 1);
  const contents = { weights, memory: new Map(), record };
  await saveRunCheckpoint(join(folder, 'checkpoints/last.ckpt'), contents, specs);
  weights.dispose();
  const lines = [
    { step: 0, time: 100, text: 'run/session', value: '{"processor":"P","cores":"2","node":"v20"}' },
    { step: 30, time: 130, scalars: { 'train/rec_loss': 0.5, 'speed/images_per_second': 16.04 } },
    { step: 60, time: 190, scalars: { 'train/rec_loss': 0.25, 'val/rec_loss': 0.3 } },
  ];
  writeFileSync(join(folder, 'log.jsonl'), lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
}

it('ends a stage with weights, config, record, curve and card', async () => {
  await run('encoder');
  expect(said.slice(0, 2)).toEqual([`encoder: ${RUN} is finished`, 'encoder: measuring on held-out faces']);
  const record = await checkedRecord(root, 'encoder');
  expect(record).toMatchObject({
    steps: 60,
    seed: 23,
    batchSize: 8,
    seconds: 90,
    imagesPerSecond: 16,
    machine: 'P, 2 cores',
    inputs: {},
  });
  expect(record.curves.train).toEqual([
    [30, 0.5],
    [60, 0.25],
  ]);
  expect(record.heldOut.map(({ name, n }) => [name, n])).toEqual([
    ['psnr', 10],
    ['psnr_pooled', 10],
    ['psnr_least', 10],
  ]);
  const checkpoint = await openCheckpointFile(join(root, shippedFile('encoder')));
  expect([...checkpoint.tensors.values()].every(({ dtype }) => dtype === 'float16')).toBe(true);
  expect(checkpoint.metadata.get('license')).toBe('Apache-2.0');
  await checkpoint.close();
  expect(readFileSync(join(root, shippedFile('encoder', 'yaml')), 'utf8')).toMatch(
    /^# configs\/demo_vae.yaml as .*\nmodel:/,
  );
  expect(readFileSync(join(root, SHIPPED, 'README.md'), 'utf8')).toContain(record.weights.sha256);
  expect(existsSync(join(root, shippedFile('encoder', 'svg')))).toBe(true);
});

it('does nothing again that is done, and says the commands where that is all that is wanted', async () => {
  said.length = 0;
  await run('encoder');
  expect(said).toEqual([
    expect.stringMatching(
      /^encoder: pretrained\/demo_stages\/encoder.safetensors is there, .*psnr [\d.]+ \(10 faces\)/,
    ),
  ]);
  said.length = 0;
  await run('data', 'encoder', '--print');
  expect(said).toEqual([
    'npm run -s codiff -- dataset synth --n 9000 --size 64 --seed 7 --out dataset/drawings',
    expect.stringContaining('--max_steps 60 --name pretrain_encoder'),
  ]);
});

it('refuses drawings of another seed', async () => {
  writeFileSync(join(root, DRAWINGS.root, 'synth.json'), '{"n": 9000, "size": 64, "seed": 8}');
  await expect(run('data')).rejects.toThrow(/dataset\/drawings holds other drawings \(n 9000, size 64, seed 8\)/);
});
