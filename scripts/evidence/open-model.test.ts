import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { useEngine } from '@codiff/engine';
import { copyTensors, type TensorToWrite } from '@codiff/ldm-core';
import { openCheckpointFile, saveTensors } from '@codiff/ldm-core/node';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { tinyWorld } from '../../packages/cli/test/tiny-models.js';
import { openModel, PARTS } from './open-model.js';

const CONFIG = 'configs/tiny_codiff_mask_text.yaml';
const WHOLE = 'pretrained/tiny_codiff_mask_text.ckpt';

/** Prefixes of the whole model's keys, and what each file of parts has for them. */
const SPLIT: Readonly<Record<(typeof PARTS)[number], readonly (readonly [whole: string, part: string])[]>> = {
  codiff: [
    ['model.text_confidence_predictor.', 'model.text_confidence_predictor.'],
    ['model.seg_mask_confidence_predictor.', 'model.seg_mask_confidence_predictor.'],
  ],
  text: [
    ['model.text_unet.', 'model.'],
    ['cond_stage_model.text_cond_stage_model.', 'cond_stage_model.'],
  ],
  mask: [
    ['model.seg_mask_unet.', 'model.'],
    ['cond_stage_model.seg_mask_cond_stage_model.', 'cond_stage_model.'],
  ],
  vae: [['first_stage_model.', '']],
};

let root = '';
beforeAll(async () => {
  await useEngine({ device: 'cpu' });
  root = await tinyWorld(['codiff_mask_text']);
  mkdirSync(join(root, 'parts'));
  const checkpoint = await openCheckpointFile(join(root, WHOLE));
  const tensors = copyTensors(checkpoint);
  for (const part of PARTS) {
    const own = new Map<string, TensorToWrite>();
    for (const [key, tensor] of tensors) {
      const prefix = SPLIT[part].find(([whole]) => key.startsWith(whole));
      if (prefix && !key.includes('.to_logits.')) own.set(prefix[1] + key.slice(prefix[0].length), tensor);
    }
    await saveTensors(join(root, `parts/${part}.safetensors`), own);
  }
  await checkpoint.close();
});
afterAll(() => rmSync(root, { recursive: true }));

const open = (weights: string) => openModel({ root, configs: [CONFIG], weights });

it('puts the parts that ship together to the model that they are of', async () => {
  const [whole, parts] = [await open(WHOLE), await open('parts')];
  expect([...parts.params.keys()].sort()).toEqual([...whole.specs.keys()].sort());
  for (const [key, tensor] of whole.params) {
    if (key.includes('.to_logits.')) continue;
    const [a, b] = [tensor.dataSync(), parts.params.get(key)!.dataSync()];
    expect(Buffer.compare(Buffer.from(a.buffer), Buffer.from(b.buffer)), key).toBe(0);
  }
  expect(Object.keys(parts.hashes)).toEqual(PARTS.map((part) => `parts/${part}.safetensors`));
  expect(whole.branchConfigs).toEqual({ text: 'configs/tiny_text.yaml', seg_mask: 'configs/tiny_mask.yaml' });
  for (const { params } of [whole, parts]) params.dispose();
});

it('names the files that are missing, and the first weight that is', async () => {
  rmSync(join(root, 'parts/vae.safetensors'));
  await expect(open('parts')).rejects.toThrow(/lack \d+ weights of the model, the first is 'first_stage_model\./);
  rmSync(join(root, 'parts/mask.safetensors'));
  await expect(open('parts')).rejects.toThrow(
    "parts/mask.safetensors is missing; train the weights with 'npm run demo:train'",
  );
  await expect(open('nowhere')).rejects.toThrow('nowhere is missing');
});
