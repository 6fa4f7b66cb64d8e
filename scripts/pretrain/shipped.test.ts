import { existsSync, mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codiffRegistry, composeRoles } from '@codiff/codiff';
import { useEngine } from '@codiff/engine';
import { buildModel, matchKeys } from '@codiff/ldm-core';
import { loadConfig, openCheckpointFile } from '@codiff/ldm-core/node';
import { checkTrainingConfig, dataModuleOf, synthesize, trainerRegistry } from '@codiff/trainer';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { assemble } from './assemble.js';
import { curveSvg } from './curve-svg.js';
import { heldOutPsnr } from './held-out-psnr.js';
import { modelCard } from './model-card.js';
import { againFile, checkedRecord, readRecord, type ShippedRecord } from './shipped-record.js';
import { isRead, SHIPPED, STAGE_NAMES, shippedFile } from './stage-table.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
/** Neither the training's seed nor that of the demo's faces. */
const SEED = 31;
const FACES = 32;
/** What weights that models read may take, bytes. */
const MOST = 30e6;

let records: ShippedRecord[];
let faces: string;
beforeAll(async () => {
  const there = STAGE_NAMES.filter((stage) => existsSync(join(ROOT, shippedFile(stage, 'json'))));
  records = await Promise.all(there.map((stage) => checkedRecord(ROOT, stage)));
  faces = join(mkdtempSync(join(tmpdir(), 'shipped-')), 'faces');
});
afterAll(() => rmSync(join(faces, '..'), { recursive: true }));

it('fits', () => {
  const sizes = records.map(({ stage }) => statSync(join(ROOT, shippedFile(stage))).size);
  expect(sizes).toEqual(records.map(({ weights }) => weights.bytes));
  const read = records.map(({ stage }, i) => (isRead(stage) ? sizes[i]! : 0));
  expect(read.reduce((sum, size) => sum + size, 0)).toBeLessThanOrEqual(MOST);
});

it('has the card and the curves of its records', async () => {
  const again = await Promise.all(STAGE_NAMES.map((stage) => readRecord(ROOT, stage, againFile(stage))));
  const card = modelCard(
    records,
    again.filter((record) => record !== null),
  );
  expect(readFileSync(join(ROOT, SHIPPED, 'README.md'), 'utf8')).toBe(card);
  for (const record of records) {
    expect(readFileSync(join(ROOT, shippedFile(record.stage, 'svg')), 'utf8')).toBe(curveSvg(record));
  }
});

it('was trained on what is there', () => {
  for (const { stage, inputs } of records) {
    for (const [input, sha256] of Object.entries(inputs)) {
      expect(sha256, `${stage} was trained on another ${input}`).toBe(
        records.find((record) => record.stage === input)?.weights.sha256,
      );
    }
  }
});

it('has one encoder', async () => {
  const open = (stage: 'encoder' | 'vae') => openCheckpointFile(join(ROOT, shippedFile(stage)));
  const [first, last] = await Promise.all([open('encoder'), open('vae')]);
  try {
    const keys = [...last.tensors.keys()].filter((key) => /^(encoder|quant_conv)\./.test(key));
    expect(keys.length).toBeGreaterThan(50);
    for (const key of keys) expect(await last.readBytes(key), key).toEqual(await first.readBytes(key));
  } finally {
    await Promise.all([first.close(), last.close()]);
  }
});

it('reconstructs faces that nobody has seen', async () => {
  const vae = records.find(({ stage }) => stage === 'vae')!;
  const said = vae.heldOut.find(({ name }) => name === 'psnr')!.value;
  await useEngine({ device: 'cpu' });
  await synthesize({ n: FACES + 1, size: 64, seed: SEED, out: faces });
  const config = await loadConfig(shippedFile('vae', 'yaml'), {
    registry: trainerRegistry,
    check: checkTrainingConfig,
    root: ROOT,
    overrides: [
      `data.params.validation.params.image_folder=${faces}/image/image_64`,
      `data.params.validation.params.text_file=${faces}/text/captions_hq_beard_and_age_2022-08-19.json`,
      `data.params.validation.params.test_dataset_size=${FACES}`,
    ],
  });
  const { validation } = dataModuleOf(config.data ?? {});
  const { mean, n } = await heldOutPsnr({
    config: shippedFile('vae', 'yaml'),
    weights: join(ROOT, shippedFile('vae')),
    root: ROOT,
    limit: FACES,
    dataset: validation!,
  });
  expect(n).toBe(FACES);
  // The floor, or what the card says less what 32 faces may differ by.
  expect(mean).toBeGreaterThanOrEqual(Math.min(26, said - 0.3));
});

const allThere = STAGE_NAMES.every((stage) => existsSync(join(ROOT, shippedFile(stage, 'json'))));

it.runIf(allThere)('becomes one checkpoint of the collaborative model', async () => {
  const to = join(faces, '../all.ckpt');
  await assemble(to, { root: ROOT, say: () => undefined });
  const config = await loadConfig(shippedFile('codiff', 'yaml'), { registry: codiffRegistry, root: ROOT });
  const { specs } = buildModel(config, composeRoles.collaborative, codiffRegistry);
  const checkpoint = await openCheckpointFile(to);
  try {
    const { report } = matchKeys(specs, to, checkpoint.tensors);
    expect(report).toMatchObject({ unexpected: [], misshapen: [] });
    // Nothing reads the text encoder's head over the vocabulary.
    expect(report.missing.filter((key) => !key.includes('.transformer.to_logits.'))).toEqual([]);
    const own = await openCheckpointFile(join(ROOT, shippedFile('text')));
    const [key, composed] = ['model.diffusion_model.out.2.weight', 'model.text_unet.diffusion_model.out.2.weight'];
    expect(await checkpoint.readBytes(composed)).toEqual(await own.readBytes(key));
    await own.close();
  } finally {
    await checkpoint.close();
  }
});
