import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectMaxRel,
  fileShapes,
  modelParams,
  readJson,
  readTensors,
  uploadImage,
  weightsOf,
} from '../../test/parity-case.js';
import { expectNoLeak, randn, useCpu } from '../../test/support.js';
import { AutoencoderConfig } from '../config/autoencoder-config.js';
import { Scope } from '../nn/scope.js';
import { AutoencoderKL } from './autoencoder.js';
import {
  klDivergence,
  negativeLogLikelihood,
  posteriorMode,
  posteriorOf,
  posteriorStd,
  posteriorVariance,
  samplePosterior,
} from './posterior.js';

beforeAll(useCpu);

const TINY = {
  doubleZ: true,
  zChannels: 3,
  resolution: 8,
  inChannels: 3,
  outCh: 3,
  ch: 32,
  chMult: [1, 2],
  numResBlocks: 1,
  attnResolutions: [],
};

function build(ddconfig: object, more: object = {}, scope = Scope.root()) {
  const config = AutoencoderConfig.parse({
    ddconfig,
    embedDim: 3,
    lossconfig: { target: 'torch.nn.Identity' },
    ...more,
  });
  return { vae: new AutoencoderKL(scope, config, () => null), specs: scope.specs };
}

describe('AutoencoderKL against the original', () => {
  it('moments, posterior, samples, decoded image and activations', () => {
    const { vae, specs } = build(modelParams('vae_autoencoder').ddconfig as object);
    const inputs = readTensors('vae_autoencoder/inputs.safetensors');
    const outputs = readTensors('vae_autoencoder/outputs.safetensors');
    const p = weightsOf(specs, readTensors('vae_autoencoder/weights.safetensors'));
    const seen: string[] = [];
    const check = (name: string, y: tf.Tensor) => {
      const wanted = outputs.get(name);
      if (!wanted) return;
      seen.push(name);
      expectMaxRel(y, wanted, 2e-5);
    };
    const onActivation = (path: string, activation: tf.Tensor) =>
      check(path === 'encoder' ? 'encoder_out' : `act.${path}`, activation);
    const moments = vae.encodeMoments(p, uploadImage(inputs.get('x')!), { onActivation });
    const posterior = posteriorOf(moments);
    const z = samplePosterior(posterior, uploadImage(inputs.get('noise')!));
    check('moments', moments);
    check('mean', posterior.mean);
    check('logvar', posterior.logvar);
    check('std', posteriorStd(posterior));
    check('var', posteriorVariance(posterior));
    check('kl', klDivergence(posterior));
    check('nll_of_z', negativeLogLikelihood(posterior, z));
    check('mode', posteriorMode(posterior));
    check('sample', samplePosterior(posterior, uploadImage(inputs.get('sample_noise')!)));
    check('z', z);
    check('dec', vae.decode(p, z, { onActivation }));
    expect(seen.sort()).toEqual([...outputs.keys()].sort());
  });

  it.each(['512', '256'])('declares the keys and shapes of the first stage of %s_text in order', (size) => {
    const list = readJson<{ state_dict: Record<string, number[]> }>(`state_dict_keys/${size}_text.json`).state_dict;
    const chMult = size === '512' ? [1, 2, 4, 4] : [1, 2, 4];
    const ddconfig = { ...TINY, ch: 128, chMult, numResBlocks: 2, resolution: Number(size) };
    const { specs } = build(ddconfig, {}, Scope.root().at('first_stage_model'));
    const wanted = Object.entries(list).filter(([key]) => key.startsWith('first_stage_model.'));
    expect(wanted.length).toBeGreaterThan(0);
    expect(fileShapes(specs)).toEqual(wanted);
  });
});

describe('AutoencoderKL', () => {
  it('puts attention where attn_resolutions asks, counted from the resolution', () => {
    const { specs } = build({ ...TINY, attnResolutions: [4], numResBlocks: 2 });
    const attentions = [...specs.keys()].filter((key) => key.endsWith('.q.weight'));
    expect(attentions).toEqual([
      'encoder.down.1.attn.0.q.weight',
      'encoder.down.1.attn.1.q.weight',
      'encoder.mid.attn_1.q.weight',
      'decoder.mid.attn_1.q.weight',
      'decoder.up.1.attn.0.q.weight',
      'decoder.up.1.attn.1.q.weight',
      'decoder.up.1.attn.2.q.weight',
    ]);
    const keys = [...specs.keys()];
    expect(keys.indexOf('encoder.down.1.block.1.norm1.weight')).toBeLessThan(
      keys.indexOf('encoder.down.1.attn.0.norm.weight'),
    );
  });

  it('takes every kind of attention, plain resampling, tanh and unfinished output', () => {
    const x = randn<tf.Rank.R4>([1, 8, 8, 3], 1);
    const none = build({ ...TINY, attnType: 'none', resampWithConv: false });
    expect([...none.specs.keys()].filter((key) => /attn|sample/.test(key))).toEqual([]);
    const linear = build({ ...TINY, useLinearAttn: true, tanhOut: true });
    expect([...linear.specs.keys()].filter((key) => key.startsWith('encoder.mid.attn_1'))).toEqual([
      'encoder.mid.attn_1.to_qkv.weight',
      'encoder.mid.attn_1.to_out.weight',
      'encoder.mid.attn_1.to_out.bias',
    ]);
    const p = weightsOf(linear.specs);
    const image = linear.vae.decode(p, posteriorMode(linear.vae.encode(p, x)));
    expect(image.shape).toEqual([1, 8, 8, 3]);
    expect(Math.max(...image.dataSync().map(Math.abs))).toBeLessThan(1);
    const q = weightsOf(none.specs);
    expect(none.vae.decode(q, posteriorMode(none.vae.encode(q, x))).shape).toEqual([1, 8, 8, 3]);
    const features = build({ ...TINY, givePreEnd: true });
    expect(features.vae.decode(weightsOf(features.specs), randn([1, 4, 4, 3], 2)).shape).toEqual([1, 8, 8, 32]);
    const z = randn<tf.Rank.R4>([1, 4, 4, 3], 2);
    expectNoLeak(() => linear.vae.decode(p, z));
  });

  it('says what is wrong with its inputs', () => {
    const { vae, specs } = build(TINY);
    const p = weightsOf(specs);
    expect(() => vae.encode(p, randn([1, 8, 8, 4], 1))).toThrow(/x is \[1,8,8,4\], wanted \[B,H,W,3\] \(in_channels\)/);
    expect(() => vae.decode(p, randn([1, 8, 8, 4], 1))).toThrow(/z is .* \(embed_dim\)/);
  });

  it('stores a colour map for label images if asked', () => {
    const { specs } = build(TINY, { colorizeNlabels: 12 });
    expect([...specs.keys()][0]).toBe('colorize');
    expect(specs.get('colorize')).toMatchObject({ kind: 'buffer', file: { shape: [3, 12, 1, 1] } });
  });
});
