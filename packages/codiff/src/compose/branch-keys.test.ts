import { Params, roles, Scope } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useCpu } from '../../test/support.js';
import { FILES, tinyModel } from '../../test/tiny-model.js';
import { codiffRegistry } from '../config/targets.js';
import { composedKey, withBranchUNet } from './branch-keys.js';

beforeAll(useCpu);

describe('keys of branches', () => {
  it('fill a collaborative model but for schedule and dynamic diffusers', () => {
    const { specs, params } = tinyModel();
    params.dispose();
    const found = new Map<string, readonly number[]>();
    for (const condition of ['seg_mask', 'text'] as const) {
      const scope = Scope.root();
      const file = FILES[condition === 'text' ? 'text.yaml' : 'mask.yaml'];
      codiffRegistry.build(file.model, roles.branch, scope);
      for (const { key, shape } of scope.specs.values()) {
        const composed = composedKey(key, condition);
        if (composed !== undefined) found.set(composed, shape);
      }
    }
    const wanted = [...specs.values()].filter(({ key, kind }) => kind === 'parameter' && !key.includes('_confidence_'));
    expect([...found.keys()].sort()).toEqual(wanted.map(({ key }) => key).sort());
    for (const { key, shape } of wanted) expect([key, found.get(key)]).toEqual([key, shape]);
  });

  it('leaves schedule, averages and a second first stage out', () => {
    expect(composedKey('betas', 'text')).toBeUndefined();
    expect(composedKey('model_ema.decay', 'text')).toBeUndefined();
    expect(composedKey('first_stage_model.quant_conv.weight', 'seg_mask')).toBeUndefined();
  });
});

describe('the UNet of one branch', () => {
  const weights = () =>
    new Params([
      ['model.text_unet.diffusion_model.w', tf.scalar(1)],
      ['model.seg_mask_unet.diffusion_model.w', tf.scalar(2)],
    ]);

  it('is replaced by a tuned one, the rest of its checkpoint aside', () => {
    const tuned = new Params([
      ['model.diffusion_model.w', tf.scalar(9)],
      ['first_stage_model.quant_conv.bias', tf.scalar(0)],
    ]);
    const p = withBranchUNet(weights(), 'text', tuned);
    expect(p.get('model.text_unet.diffusion_model.w')!.dataSync()[0]).toBe(9);
    expect(p.get('model.seg_mask_unet.diffusion_model.w')!.dataSync()[0]).toBe(2);
    expect(p.size).toBe(2);
  });

  it('is refused if it is another network, or none', () => {
    const other = new Params([['model.diffusion_model.v', tf.scalar(9)]]);
    expect(() => withBranchUNet(weights(), 'text', other)).toThrow(/first that differs: 'model.text_unet/);
    expect(() => withBranchUNet(weights(), 'text', new Params())).toThrow(/has 0 tensors, the model's has 1/);
    expect(() => withBranchUNet(weights(), 'sketch', other)).toThrow(/has 1 tensors, the model's has 0/);
  });
});
