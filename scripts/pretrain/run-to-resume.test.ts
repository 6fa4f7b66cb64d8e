import { copyFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { dumpYaml, initParams } from '@codiff/ldm-core';
import { saveRunCheckpoint } from '@codiff/trainer';
import '@tensorflow/tfjs-backend-cpu';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { chooseRun, configOf } from './run-to-resume.js';
import { PRETRAIN_STAGES, type PretrainStage } from './stage-table.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const stage = PRETRAIN_STAGES[0]!;

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pretrain-'));
  mkdirSync(join(root, 'configs'));
  copyFileSync(join(ROOT, stage.config), join(root, stage.config));
});
afterEach(() => rmSync(root, { recursive: true }));

/** A run's folder as `codiff train` leaves it. @param steps of its last checkpoint; null: it has none */
async function makeRun(name: string, of: PretrainStage | null, steps: number | null): Promise<void> {
  const folder = join(root, 'logs', name);
  for (const part of ['configs', 'checkpoints']) mkdirSync(join(folder, part), { recursive: true });
  if (of === null) return;
  const { lightning, ...project } = await configOf(of, root);
  writeFileSync(join(folder, 'configs/a-project.yaml'), dumpYaml(project));
  writeFileSync(join(folder, 'configs/a-lightning.yaml'), dumpYaml({ lightning: lightning ?? {} }));
  if (steps === null) return;
  const progress = { epoch: 0, batch: steps, globalStep: steps, batches: steps };
  const record = { version: 1, progress, seed: stage.seed, best: [], config: project } as const;
  const key = 'quant_conv.bias';
  const init = { kind: 'constant', value: 0 } as const;
  const specs = new Map([[key, { key, shape: [1], kind: 'parameter', dtype: 'float32', init } as const]]);
  const contents = { weights: initParams(specs, 1), memory: new Map(), record };
  await saveRunCheckpoint(join(folder, 'checkpoints/last.ckpt'), contents, specs);
}

it('finds no run where there is none', async () => {
  expect(await chooseRun(stage, root)).toEqual({ run: null, why: 'there is no earlier run' });
  await makeRun('2026-01-01T00-00-00_pretrain_mask', null, null);
  expect((await chooseRun(stage, root)).run).toBeNull();
});

it('goes on with the newest run of the stage', async () => {
  await makeRun('2026-01-01T00-00-00_pretrain_encoder', stage, stage.steps);
  await makeRun('2026-01-02T00-00-00_pretrain_encoder', stage, 500);
  const folder = 'logs/2026-01-02T00-00-00_pretrain_encoder';
  expect(await chooseRun(stage, root)).toEqual({ run: { folder, steps: 500, finished: false } });
});

it('knows a finished run, and one without a checkpoint', async () => {
  await makeRun('2026-01-01T00-00-00_pretrain_encoder', stage, null);
  expect(await chooseRun(stage, root)).toMatchObject({ run: { steps: 0, finished: false } });
  await makeRun('2026-01-02T00-00-00_pretrain_encoder', stage, stage.steps);
  expect(await chooseRun(stage, root)).toMatchObject({ run: { steps: stage.steps, finished: true } });
});

it('leaves a run alone that trains something else', async () => {
  await makeRun('2026-01-01T00-00-00_pretrain_encoder', { ...stage, steps: 700 }, 100);
  expect(await chooseRun(stage, root)).toMatchObject({ run: null, why: expect.stringContaining("its 'model'") });
  await makeRun('2026-01-02T00-00-00_pretrain_encoder', { ...stage, precision: '32' }, 100);
  expect(await chooseRun(stage, root)).toMatchObject({ run: null, why: expect.stringContaining("its 'lightning'") });
});

it('begins anew after a run that was stopped before it had said what it is', async () => {
  await makeRun('2026-01-01T00-00-00_pretrain_encoder', null, null);
  expect(await chooseRun(stage, root)).toMatchObject({
    run: null,
    why: expect.stringContaining('before its first step'),
  });
});
