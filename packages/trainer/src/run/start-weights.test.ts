import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import { initParams, Scope } from '@codiff/ldm-core';
import { saveParams } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect, it } from 'vitest';
import { PERCEPTUAL_FILES } from './perceptual-files.js';
import { startWeights } from './start-weights.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'start-'));
});
afterEach(() => rmSync(root, { recursive: true }));

const normal = { kind: 'normal', mean: 0, std: 1 } as const;

function specsOf() {
  const scope = Scope.root();
  scope.param('model.w', [3], normal);
  scope.param('other', [2], normal);
  const averaged = scope.specs.get('model.w')!;
  scope.buffer('model_ema.w', [3], { kind: 'copy', of: averaged });
  return scope.specs;
}

it('takes what files hold, draws the rest, and starts averages as the weights they average', async () => {
  const specs = specsOf();
  const file = new Map([['model.w', specs.get('model.w')!]]);
  await saveParams(join(root, 'a.safetensors'), initParams(file, 9), file);
  const start = { file: 'a.safetensors', ignoreKeys: [], prefixMap: [['', '']] as const };
  const reports: string[] = [];
  const params = await startWeights(specs, [start], {
    seed: 1,
    root,
    onReport: (report) => reports.push(...report.matched),
  });
  const values = (key: string) => [...params.get(key)!.dataSync()];
  expect(reports).toEqual(['model.w']);
  expect(values('model.w')).toEqual([...initParams(specs, 9).get('model.w')!.dataSync()]);
  expect(values('other')).toEqual([...initParams(specs, 1).get('other')!.dataSync()]);
  expect(values('model_ema.w')).toEqual(values('model.w'));
  expect([...params.keys()].sort()).toEqual([...specs.keys()].sort());
});

it('names every file that is missing, and how to train without the perceptual networks', async () => {
  const missing = (file: string) => ({ file, ignoreKeys: [], prefixMap: [['', '']] as const });
  await expect(
    startWeights(specsOf(), [missing('x.ckpt'), missing(PERCEPTUAL_FILES.vgg16)], { seed: 1, root }),
  ).rejects.toThrow(/missing x\.ckpt, pretrained\/vgg16\.pth .*perceptual_weight: 0 trains without/);
  await expect(startWeights(specsOf(), [missing('x.ckpt')], { seed: 1, root })).rejects.not.toThrow(/perceptual/);
});
