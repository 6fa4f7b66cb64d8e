import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  camelized,
  expectMaxRel,
  fileShapes,
  modelParams,
  readJson,
  readTensors,
  upload,
  uploadImage,
  weightsOf,
} from '../../test/parity-case.js';
import { expectClose, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { AutoencoderConfig } from '../config/autoencoder-config.js';
import { BertEmbedderConfig } from '../config/cond-stage-config.js';
import { LatentDiffusionConfig } from '../config/latent-diffusion-config.js';
import { UNetConfig } from '../config/unet-config.js';
import { SegMaskEncoder } from '../mask/seg-mask-encoder.js';
import { initialValues } from '../nn/init.js';
import { Scope } from '../nn/scope.js';
import { BERTEmbedder } from '../text/bert-embedder.js';
import { UNetModel } from '../unet/unet.js';
import { AutoencoderKL } from '../vae/autoencoder.js';
import { LatentDiffusion } from './latent-diffusion.js';

beforeAll(useCpu);

const UNET = {
  imageSize: 64,
  inChannels: 3,
  outChannels: 3,
  modelChannels: 192,
  attentionResolutions: [8, 4, 2],
  numResBlocks: 2,
  channelMult: [1, 2, 3, 5],
  numHeads: 32,
  useSpatialTransformer: true,
  contextDim: 640,
  useCheckpoint: true,
  legacy: false,
};
const VAE = {
  embedDim: 3,
  lossconfig: { target: 'torch.nn.Identity' },
  ddconfig: {
    doubleZ: true,
    zChannels: 3,
    resolution: 512,
    inChannels: 3,
    outCh: 3,
    ch: 128,
    chMult: [1, 2, 4, 4],
    numResBlocks: 2,
    attnResolutions: [],
  },
};
const FULL = {
  linearStart: 0.0015,
  linearEnd: 0.0195,
  timesteps: 1000,
  conditioningKey: 'crossattn',
  condStageTrainable: true,
  scaleFactor: 0.141,
  useEma: false,
  unetConfig: { target: 'unet', params: UNET },
  firstStageConfig: { target: 'vae', params: VAE },
  condStageConfig: { target: 'bert', params: { nEmbed: 640, nLayer: 32 } },
};

type Tree = Record<string, unknown>;
const paramsOf = (node: unknown) => (node as { params: Tree }).params;

function build(params: Tree) {
  const config = LatentDiffusionConfig.parse(params);
  const scope = Scope.root();
  const encoder = typeof config.condStageConfig === 'string' ? null : paramsOf(config.condStageConfig);
  const ldm = new LatentDiffusion(scope, config, {
    unet: (at) => new UNetModel(at, UNetConfig.parse(paramsOf(config.unetConfig))),
    firstStage: (at) => new AutoencoderKL(at, AutoencoderConfig.parse(paramsOf(config.firstStageConfig)), () => null),
    condStage:
      encoder === null
        ? null
        : (at) =>
            'nLayer' in encoder
              ? new BERTEmbedder(at, BertEmbedderConfig.parse(encoder))
              : new SegMaskEncoder(at, { maskEmbedDim: 1024, contextDim: 640 }),
  });
  return { ldm, specs: scope.specs };
}

const stateDict = (config: string) =>
  readJson<{ state_dict: Record<string, number[]> }>(`state_dict_keys/${config}.json`).state_dict;

describe('the keys of a LatentDiffusion', () => {
  it.each(['text', 'mask'])('are those of 512_%s, in order', (modality) => {
    const condStageConfig = modality === 'text' ? FULL.condStageConfig : { target: 'mask', params: {} };
    expect(fileShapes(build({ ...FULL, condStageConfig }).specs)).toEqual(Object.entries(stateDict(`512_${modality}`)));
  });

  it('hold the moving averages if it has them, which start as the weights', () => {
    const { specs } = build({ ...FULL, useEma: true });
    const averages = fileShapes(specs).filter(([key]) => key.startsWith('model_ema.'));
    expect(averages).toEqual(Object.entries(readJson<Tree>('state_dict_keys/512_text.model_ema_if_enabled.json')));
    const [shadow, weight] = [
      'model_ema.diffusion_modelinput_blocks00weight',
      'model.diffusion_model.input_blocks.0.0.weight',
    ];
    expect(initialValues(specs.get(shadow!)!, 7)).toEqual(initialValues(specs.get(weight!)!, 7));
  });

  it('begin with a learned logvar, and end the schedule with a measured scale', () => {
    const { ldm, specs } = build({ ...FULL, learnLogvar: true, logvarInit: 0.5, scaleByStd: true, scaleFactor: 1 });
    const keys = [...specs.keys()];
    expect(keys[0]).toBe('logvar');
    expect(keys[13]).toBe('scale_factor');
    expect(keys.slice(1, 13).every((key) => specs.get(key)!.kind === 'buffer')).toBe(true);
    expect(
      ['logvar', 'betas', 'model.diffusion_model.out.2.bias', 'cond_stage_model.transformer.norm.bias'].map((key) =>
        ldm.isTrained(key),
      ),
    ).toEqual([true, false, true, true]);
    expect(ldm.isTrained('first_stage_model.quant_conv.bias')).toBe(false);
  });
});

describe('LatentDiffusion against the original', () => {
  const params = camelized(modelParams('ldm_text')) as Tree;
  const { ldm, specs } = build(params);
  const inputs = readTensors('ldm_text/inputs.safetensors');
  const outputs = readTensors('ldm_text/outputs.safetensors');
  const image = (name: string) => uploadImage(inputs.get(name)!);

  it('condition, latents, decoded image, predicted noise and losses', () => {
    const p = weightsOf(specs, readTensors('ldm_text/weights.safetensors'));
    const t = upload<tf.Rank.R1>(inputs.get('t')!);
    const ids = upload<tf.Rank.R2>(inputs.get('tokens')!);
    const condition = ldm.condition(p, ids);
    expectMaxRel(condition, outputs.get('c')!, 3e-5);
    const z = ldm.encodeFirstStage(p, upload(inputs.get('image')!), image('first_stage_noise'));
    expectMaxRel(z, outputs.get('z')!, 3e-5);
    expectMaxRel(ldm.decodeFirstStage(p, z), outputs.get('decoded')!, 3e-5);
    expectMaxRel(ldm.applyModel(p, image('x0'), t, condition), outputs.get('apply_model')!, 3e-5);
    const value = ldm.losses(p, { x0: image('x0'), t, noise: image('noise'), condition });
    expectMaxRel(value.loss, outputs.get('train.loss')!, 3e-5);
    expectMaxRel(value.lossSimple, outputs.get('train.loss_simple')!, 3e-5);
    expectMaxRel(value.lossVlb, outputs.get('train.loss_vlb')!, 3e-5);
  });
});

describe('a LatentDiffusion', () => {
  const TINY = {
    timesteps: 1000,
    unetConfig: {
      target: 'unet',
      params: {
        ...UNET,
        modelChannels: 32,
        channelMult: [1, 2],
        attentionResolutions: [2],
        numResBlocks: 1,
        numHeads: 2,
        contextDim: 8,
      },
    },
    firstStageConfig: {
      target: 'vae',
      params: { ...VAE, ddconfig: { ...VAE.ddconfig, ch: 32, chMult: [1, 1], numResBlocks: 1, resolution: 8 } },
    },
    condStageConfig: '__is_first_stage__',
    useEma: false,
  };
  const plainUnet = (more: Tree) => ({
    target: 'unet',
    params: { ...TINY.unetConfig.params, useSpatialTransformer: false, contextDim: null, legacy: true, ...more },
  });
  let x: tf.Tensor4D;
  let t: tf.Tensor1D;
  beforeAll(() => {
    x = randn([1, 4, 4, 3], 1);
    t = tf.tensor1d([5], 'int32');
  });

  it('is conditioned on a latent by channels', () => {
    const { ldm, specs } = build({ ...TINY, unetConfig: plainUnet({ inChannels: 6 }) });
    const p = weightsOf(specs);
    const condition = ldm.condition(p, randn([1, 8, 8, 3], 2));
    expect(condition.shape).toEqual([1, 4, 4, 3]);
    expect(ldm.applyModel(p, x, t, condition).shape).toEqual([1, 4, 4, 3]);
    expect(() => ldm.applyModel(p, x, t, null)).toThrow(/concat needs 'concat'/);
    expect(() => ldm.applyModel(p, x, t, randn([1, 2, 8], 3))).toThrow('concat is [1,2,8], wanted [1,4,4,C], as x');
    expect(() => ldm.applyModel(p, x, t, randn([1, 2, 4, 3], 3))).toThrow(/wanted \[1,4,4,C\]/);
  });

  it('lists the first stage a second time where it is the encoder, as the original stores it; trains neither', () => {
    const { ldm, specs } = build({ ...TINY, unetConfig: plainUnet({ inChannels: 6 }) });
    const listed = fileShapes(specs);
    const of = (prefix: string) =>
      listed.filter(([key]) => key.startsWith(prefix)).map(([key, shape]) => [key.slice(prefix.length), shape]);
    const [first, again] = [of('first_stage_model.'), of('cond_stage_model.')];
    expect(first.length).toBeGreaterThan(50);
    expect(again).toEqual(first);
    expect(listed.slice(-again.length)).toEqual(again.map(([key, shape]) => [`cond_stage_model.${key}`, shape]));
    const copies = [...specs.values()].filter(({ key }) => key.startsWith('cond_stage_model.'));
    expect(copies.every(({ key, kind }) => kind === 'buffer' && !ldm.isTrained(key))).toBe(true);
    const [weight, copy] = ['first_stage_model.quant_conv.weight', 'cond_stage_model.quant_conv.weight'];
    expect(initialValues(specs.get(copy)!, 3)).toEqual(initialValues(specs.get(weight)!, 3));
    const none = build({ ...TINY, condStageConfig: '__is_unconditional__', unetConfig: plainUnet({}) });
    expect([...none.specs.keys()].some((key) => key.startsWith('cond_stage_model.'))).toBe(false);
  });

  it('is conditioned by class, by both channels and tokens, or not at all', () => {
    const adm = build({ ...TINY, conditioningKey: 'adm', unetConfig: plainUnet({ numClasses: 4 }) });
    expect(adm.ldm.applyModel(weightsOf(adm.specs), x, t, tf.tensor1d([2], 'int32')).shape).toEqual([1, 4, 4, 3]);
    const unetConfig = { target: 'unet', params: { ...TINY.unetConfig.params, inChannels: 6 } };
    const hybrid = build({ ...TINY, conditioningKey: 'hybrid', unetConfig });
    const p = weightsOf(hybrid.specs);
    const [one, two] = [randn<tf.Rank.R3>([1, 2, 8], 3), randn<tf.Rank.R3>([1, 3, 8], 4)];
    const listed = hybrid.ldm.applyModel(p, x, t, { concat: [x], crossattn: [one, two] });
    const joined = hybrid.ldm.applyModel(p, x, t, {
      concat: [x],
      crossattn: hybrid.ldm.contextKeys(p, tf.concat([one, two], 1)),
    });
    expectClose(listed, joined, 0);
    expect(() => hybrid.ldm.applyModel(p, x, t, one)).toThrow(/give \{ concat, crossattn \}/);
    const none = build({ ...TINY, condStageConfig: '__is_unconditional__', unetConfig: plainUnet({}) });
    const q = weightsOf(none.specs);
    expect(none.ldm.applyModel(q, x, t, null).shape).toEqual([1, 4, 4, 3]);
    expect(() => none.ldm.applyModel(q, x, t, one)).toThrow(/takes? no|does not take/);
    expect(() => none.ldm.condition(q, one)).toThrow(/unconditional/);
  });

  it('with scale_by_std measures its factor on the first batch, and scales by it from there', () => {
    const { ldm, specs } = build({ ...TINY, unetConfig: plainUnet({ inChannels: 6 }), scaleByStd: true });
    const p = weightsOf(specs);
    const [images, noise] = [randn<tf.Rank.R4>([2, 8, 8, 3], 2), randn<tf.Rank.R4>([2, 4, 4, 3], 3)];
    p.set('scale_factor', tf.scalar(1));
    const z = [...ldm.encodeFirstStage(p, images, noise).dataSync()];
    const mean = z.reduce((sum, value) => sum + value, 0) / z.length;
    const variance = z.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (z.length - 1);
    const measured = p.merge(ldm.measureScale(p, images, noise));
    expect(measured.size).toBe(p.size);
    expectClose(measured.get('scale_factor')!, [variance ** -0.5], 1e-5);
    const scaled = ldm.encodeFirstStage(measured, images, noise);
    expectClose(
      scaled,
      z.map((value) => value * variance ** -0.5),
      1e-4,
    );
    expectClose(ldm.decodeFirstStage(measured, scaled), ldm.decodeFirstStage(p, tf.tensor4d(z, [2, 4, 4, 3])), 1e-3);
    expectNoLeak(() => [...ldm.measureScale(p, images, noise).values()]);
    const given = build({ ...TINY, unetConfig: plainUnet({ inChannels: 6 }) }).ldm;
    expect(() => given.measureScale(p, images, noise)).toThrow(/scale_by_std is false and scale_factor a number/);
  });

  it('noises its condition at its own timesteps', () => {
    const { ldm } = build({ ...TINY, unetConfig: plainUnet({ inChannels: 6 }), numTimestepsCond: 3 });
    const condition = randn<tf.Rank.R3>([4, 2, 5], 1);
    const noise = randn<tf.Rank.R3>([4, 2, 5], 2);
    const noised = ldm.noisedCondition(condition, tf.tensor1d([0, 1, 2, 500], 'int32'), noise);
    // linspace(0, 999, 3) = 0, 499.5, 999; halves go to even; every later step has 999.
    [0, 500, 999, 999].forEach((step, b) => {
      const [signal, sigma] = [ldm.schedule.sqrtAlphasCumprod[step]!, ldm.schedule.sqrtOneMinusAlphasCumprod[step]!];
      const wanted = tf.add(tf.mul(tf.slice(condition, b, 1), signal), tf.mul(tf.slice(noise, b, 1), sigma));
      expectClose(tf.slice(noised, b, 1), wanted, 1e-6);
    });
    const plain = build({ ...TINY, unetConfig: plainUnet({ inChannels: 6 }) }).ldm;
    expect(plain.noisedCondition(condition, t, noise)).toBe(condition);
  });
});
