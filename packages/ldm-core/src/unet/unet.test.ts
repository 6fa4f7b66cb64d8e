import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectMaxRel,
  fileShapes,
  modelParams,
  readConfig,
  readJson,
  readTensors,
  upload,
  uploadImage,
  weightsOf,
} from '../../test/parity-case.js';
import { expectClose, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { UNetConfig } from '../config/unet-config.js';
import { initParams } from '../nn/init.js';
import { Params } from '../nn/params.js';
import { Scope } from '../nn/scope.js';
import { valueAndGrad } from '../nn/value-and-grads.js';
import { UNetModel } from './unet.js';

beforeAll(useCpu);

const SMALL = {
  imageSize: 4,
  inChannels: 3,
  outChannels: 3,
  modelChannels: 32,
  numResBlocks: 1,
  attentionResolutions: [2],
  channelMult: [1, 2],
};

function build(params: object) {
  const scope = Scope.root();
  return { unet: new UNetModel(scope, UNetConfig.parse(params)), specs: scope.specs };
}

describe('UNetModel against the original', () => {
  it.each(['unet_text', 'unet_mask', 'dynamic_diffuser'])('%s: output and activations', (name) => {
    const { unet, specs } = build(modelParams(name));
    const inputs = readTensors(`${name}/inputs.safetensors`);
    const outputs = readTensors(`${name}/outputs.safetensors`);
    const p = weightsOf(specs, readTensors(`${name}/weights.safetensors`));
    const seen = new Set<string>();
    const y = unet.forward(p, {
      x: uploadImage(inputs.get('x')!),
      t: upload(inputs.get('t')!),
      context: upload<tf.Rank.R3>(inputs.get('context')!),
      onActivation: (path, activation) => {
        const wanted = outputs.get(`act.${path}`);
        if (!wanted) return;
        seen.add(`act.${path}`);
        expectMaxRel(activation, wanted, 2e-5);
      },
    });
    expectMaxRel(y, outputs.get('y')!, 2e-5);
    expect([...seen, 'y'].sort()).toEqual([...outputs.keys()].sort());
  });

  it.each([
    ['512_text', 'unet_text'],
    ['512_codiff_mask_text', 'text_confidence_predictor'],
  ])('declares the keys and shapes of %s in order', (config, which) => {
    const list = readJson<{ state_dict: Record<string, number[]> }>(`state_dict_keys/${config}.json`).state_dict;
    const prefix = which === 'unet_text' ? 'model.diffusion_model.' : `model.${which}.diffusion_model.`;
    const dynamic = which === 'text_confidence_predictor';
    const { specs } = build({
      imageSize: 64,
      inChannels: 3,
      outChannels: dynamic ? 1 : 3,
      modelChannels: dynamic ? 32 : 192,
      attentionResolutions: [8, 4, 2],
      numResBlocks: 2,
      channelMult: [1, 2, 3, 5],
      numHeads: 32,
      useSpatialTransformer: true,
      transformerDepth: 1,
      contextDim: 640,
      useCheckpoint: true,
      legacy: false,
    });
    const wanted = Object.entries(list)
      .filter(([key]) => key.startsWith(prefix))
      .map(([key, shape]) => [key.slice(prefix.length), shape]);
    expect(wanted).toHaveLength(688);
    expect(fileShapes(specs)).toEqual(wanted);
  });

  it('freeu: strong factors', () => {
    const inputs = readTensors('freeu/inputs.safetensors');
    const { enable_freeu, ...factors } = (readConfig('freeu').variants as Record<string, Record<string, unknown>>)
      .strong!;
    const { unet, specs } = build({ ...modelParams('freeu'), ...factors, enableFreeu: enable_freeu });
    const y = unet.forward(weightsOf(specs), {
      x: uploadImage(inputs.get('x')!),
      t: upload(inputs.get('t')!),
      context: upload<tf.Rank.R3>(inputs.get('context')!),
    });
    expectMaxRel(y, readTensors('freeu/outputs.safetensors').get('unet.strong')!, 5e-5);
  });
});

describe('UNetModel', () => {
  it('gives the same with ready keys and values, and leaks nothing', () => {
    const { unet, specs } = build({
      ...SMALL,
      numHeads: 4,
      useSpatialTransformer: true,
      contextDim: 8,
      transformerDepth: 2,
    });
    const p = weightsOf(specs);
    const x = randn<tf.Rank.R4>([1, 4, 4, 3], 1);
    const t = tf.tensor1d([7.5]);
    const context = randn<tf.Rank.R3>([1, 5, 8], 2);
    const keys = unet.contextKeys(p, context);
    expect(Object.keys(keys)).toHaveLength(2 * 2 * 4);
    expectClose(unet.forward(p, { x, t, context: keys }), unet.forward(p, { x, t, context }), 0);
    expectNoLeak(() => unet.forward(p, { x, t, context }));
    expectNoLeak(() => unet.contextKeys(p, context));
  });

  it('keeps every declared parameter in use, with every option', () => {
    const { unet, specs } = build({
      ...SMALL,
      numHeads: 2,
      numHeadsUpsample: 4,
      useScaleShiftNorm: true,
      resblockUpdown: true,
      numClasses: 5,
      useCheckpoint: true,
    });
    expect([...specs.keys()]).toContain('label_emb.weight');
    expect([...specs.keys()]).toContain('input_blocks.2.0.in_layers.0.weight');
    const p = weightsOf(specs);
    const keys = [...p.keys()];
    const x = randn<tf.Rank.R4>([1, 4, 4, 3], 1);
    const t = tf.tensor1d([3], 'int32');
    const labels = tf.tensor1d([2], 'int32');
    const grads = tf.grads((...tensors: tf.Tensor[]) => {
      keys.forEach((key, i) => void p.set(key, tensors[i]!));
      return tf.sum(tf.square(unet.forward(p, { x, t, labels })));
    })([...p.values()]);
    // A norm of one channel per group cancels what is added before it, to rounding; elsewhere a gradient of 0 is a lost wire.
    const lost = keys.filter((_, i) => (tf.max(tf.abs(grads[i]!)).dataSync()[0] ?? 0) === 0);
    expect(lost).toEqual([]);
  });

  it('keeps activations instead of recomputing them where it is told to, with the same gradients', async () => {
    const params = { ...SMALL, numHeads: 2, useSpatialTransformer: true, contextDim: 8, useCheckpoint: true };
    const { unet, specs } = build(params);
    const p = weightsOf(specs);
    const [x, context] = [randn<tf.Rank.R4>([1, 4, 4, 3], 1), randn<tf.Rank.R3>([1, 2, 8], 2)];
    const run = async (recompute: boolean) => {
      const loss = (q: Params) =>
        tf.sum(tf.square(unet.forward(q, { x, t: tf.tensor1d([3]), context, recompute }))) as tf.Scalar;
      let grads = new Params();
      const { kernels } = await tf.profile(() => {
        const found = valueAndGrad(loss, p);
        grads = found.grads;
        return found.value;
      });
      return { convolutions: kernels.filter(({ name }) => name === 'Conv2D').length, grads };
    };
    const [kept, again] = [await run(false), await run(true)];
    expect(kept.convolutions).toBeLessThan(again.convolutions);
    for (const [key, grad] of again.grads) expectClose(kept.grads.get(key)!, grad, 1e-6);
  });

  it('predicts ids in place of noise with n_embed, pools without conv_resample', () => {
    const { unet, specs } = build({
      ...SMALL,
      numHeads: 2,
      nEmbed: 7,
      convResample: false,
      useNewAttentionOrder: true,
    });
    expect([...specs.keys()].filter((key) => key.startsWith('id_predictor') || key.startsWith('out.'))).toEqual([
      'out.0.weight',
      'out.0.bias',
      'out.2.weight',
      'out.2.bias',
      'id_predictor.0.weight',
      'id_predictor.0.bias',
      'id_predictor.1.weight',
      'id_predictor.1.bias',
    ]);
    expect(specs.has('input_blocks.2.0.op.weight')).toBe(false);
    const y = unet.forward(weightsOf(specs), { x: randn([1, 4, 4, 3], 1), t: tf.tensor1d([3]) });
    expect(y.shape).toEqual([1, 4, 4, 7]);
  });

  describe('heads', () => {
    const x = () => randn<tf.Rank.R4>([1, 4, 4, 3], 1);
    const pass = (params: object) => {
      const { unet, specs } = build({ ...SMALL, ...params });
      const context = 'contextDim' in params ? randn<tf.Rank.R3>([1, 5, 8], 2) : null;
      return unet.forward(weightsOf(specs), { x: x(), t: tf.tensor1d([3]), context }).dataSync();
    };
    const transformer = { useSpatialTransformer: true, contextDim: 8 };

    it.each([
      ['spatial transformers', transformer],
      ['attention blocks', {}],
    ])('of %s are counted or measured, and the width wins', (_, form) => {
      const two = pass({ ...form, numHeads: 2 });
      expect(pass({ ...form, numHeadChannels: 32 })).toEqual(two);
      expect(pass({ ...form, numHeadChannels: 32, numHeads: 8 })).toEqual(two);
      expect(pass({ ...form, numHeads: 8 })).not.toEqual(two);
    });

    it('in the output blocks are others with num_heads_upsample, only for attention blocks with legacy', () => {
      const two = pass({ numHeads: 2 });
      expect(pass({ numHeads: 2, numHeadsUpsample: 8 })).not.toEqual(two);
      expect(pass({ numHeads: 2, numHeadsUpsample: 8, legacy: false })).toEqual(two);
      expect(pass({ numHeadChannels: 32, numHeadsUpsample: 8 })).toEqual(two);
      const three = pass({ ...transformer, numHeads: 2 });
      expect(pass({ ...transformer, numHeads: 2, numHeadsUpsample: 8 })).toEqual(three);
    });

    it('take in all channels with legacy, and leave a rest out without', () => {
      const inner = (legacy: boolean) => {
        const params = {
          ...SMALL,
          ...transformer,
          modelChannels: 96,
          channelMult: [1, 1],
          numHeadChannels: 40,
          legacy,
        };
        return build(params).specs.get('middle_block.1.proj_in.weight')!.file!.shape[0];
      };
      expect([inner(true), inner(false)]).toEqual([96, 80]);
    });
  });

  it('is zero when untrained', () => {
    const { unet, specs } = build({ ...SMALL, numHeads: 2, useSpatialTransformer: true, contextDim: 8 });
    const y = unet.forward(initParams(specs, 1), {
      x: randn([1, 4, 4, 3], 1),
      t: tf.tensor1d([3]),
      context: randn([1, 2, 8], 2),
    });
    expect([...y.dataSync()].every((value) => value === 0)).toBe(true);
  });

  it('says what is wrong with its inputs', () => {
    const { unet, specs } = build({ ...SMALL, numHeads: 2, useSpatialTransformer: true, contextDim: 8 });
    const p = weightsOf(specs);
    const x = randn<tf.Rank.R4>([1, 4, 4, 3], 1);
    const t = tf.tensor1d([3]);
    expect(() => unet.forward(p, { x: randn([1, 4, 4, 4], 1), t })).toThrow(/x is \[1,4,4,4\], wanted \[B,H,W,3\]/);
    expect(() => unet.forward(p, { x: randn([1, 4, 5, 3], 1), t })).toThrow(/multiples of 2/);
    expect(() => unet.forward(p, { x, t, context: randn([1, 2, 9], 1) })).toThrow(/wanted \[B,L,8\]/);
    expect(() => unet.forward(p, { x, t, labels: tf.tensor1d([1], 'int32') })).toThrow(/num_classes is not set/);
  });
});
