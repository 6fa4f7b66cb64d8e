import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { encodeValues, float32Values, TensorToWrite } from '@codiff/ldm-core';
import { hashFile, openCheckpointFile, saveTensors } from '@codiff/ldm-core/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exportWeights } from './artefact.js';
import type { StageName } from './stage-table.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'artefact-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const VALUES = Float32Array.from({ length: 64 }, (_, i) => Math.sin(i) * 10 ** ((i % 7) - 4));

/** A checkpoint as training writes it, every tensor with the same values. */
async function checkpointOf(keys: readonly string[], values = VALUES): Promise<string> {
  const tensor = () => new TensorToWrite('float32', [values.length], async () => encodeValues('float32', values));
  const path = join(folder, 'last.ckpt');
  const extra = { global_step: 9, codiff_optimizers: new Map([['adam.m', tensor()]]) };
  await saveTensors(path, new Map(keys.map((key) => [key, tensor()])), { extra });
  return path;
}

const KEYS: Readonly<Record<StageName, { readonly kept: readonly string[]; readonly left: readonly string[] }>> = {
  encoder: {
    kept: ['encoder.conv_in.weight', 'decoder.conv_out.bias', 'quant_conv.weight', 'post_quant_conv.bias'],
    left: ['loss.logvar'],
  },
  vae: {
    kept: ['encoder.conv_in.weight', 'decoder.conv_out.bias', 'quant_conv.weight', 'post_quant_conv.bias'],
    left: ['loss.logvar', 'loss.discriminator.main.0.weight', 'loss.perceptual_loss.lin0.model.1.weight'],
  },
  mask: {
    kept: ['model.diffusion_model.out.2.weight', 'cond_stage_model.linear.weight', 'scale_factor'],
    left: ['betas', 'first_stage_model.encoder.conv_in.weight', 'model_ema.decay'],
  },
  text: {
    kept: ['model.diffusion_model.out.2.weight', 'cond_stage_model.transformer.token_emb.weight', 'scale_factor'],
    left: ['betas', 'first_stage_model.decoder.conv_in.weight', 'cond_stage_model.transformer.to_logits.weight'],
  },
  codiff: {
    kept: [
      'model.text_confidence_predictor.out.2.weight',
      'model.seg_mask_confidence_predictor.out.2.bias',
      'scale_factor',
    ],
    left: [
      'model.text_unet.diffusion_model.out.2.weight',
      'cond_stage_model.text_cond_stage_model.transformer.norm.weight',
      'first_stage_model.quant_conv.weight',
      'betas',
    ],
  },
};

it.each(Object.entries(KEYS))('%s: what it trained, and nothing else', async (stage, { kept, left }) => {
  const to = join(folder, 'out.safetensors');
  const shipped = await exportWeights(stage as StageName, await checkpointOf([...left, ...kept]), to);
  const file = await openCheckpointFile(to);
  try {
    expect([...file.tensors.keys()].sort()).toEqual([...kept].sort());
    for (const [key, { dtype }] of file.tensors) expect(dtype).toBe(key === 'scale_factor' ? 'float32' : 'float16');
    expect(shipped).toMatchObject({ tensors: kept.length, parameters: kept.length * VALUES.length });
    expect(shipped.bytes).toBe(statSync(to).size);
    expect(shipped.sha256).toBe(await hashFile(to));
    // Two bytes a number, and a header.
    expect(shipped.bytes).toBeLessThan(kept.length * VALUES.length * 2 + 1024);
  } finally {
    await file.close();
  }
});

it('comes back to within half a unit of the last place of float16', async () => {
  const to = join(folder, 'out.safetensors');
  await exportWeights('mask', await checkpointOf(KEYS.mask.kept), to);
  const file = await openCheckpointFile(to);
  try {
    const half = float32Values('float16', await file.readBytes('cond_stage_model.linear.weight'));
    const exact = float32Values('float32', await file.readBytes('scale_factor'));
    expect(exact).toEqual(VALUES);
    for (const [i, value] of VALUES.entries()) {
      expect(Math.abs(half[i]! - value)).toBeLessThanOrEqual(Math.max(Math.abs(value) * 2 ** -11, 2 ** -25));
    }
  } finally {
    await file.close();
  }
});

it('refuses a checkpoint of another stage, and values beyond float16', async () => {
  const to = join(folder, 'out.safetensors');
  const other = exportWeights('vae', await checkpointOf(KEYS.mask.kept), to);
  await expect(other).rejects.toThrow(/has no encoder, no decoder.*is no checkpoint of the stage 'vae'/);
  const large = exportWeights('mask', await checkpointOf(KEYS.mask.kept, Float32Array.of(1e6)), to);
  await expect(large).rejects.toThrow(/beyond float16's largest/);
});
