import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { gelu } from '../src/nn/activations.js';
import { GEGLU } from '../src/nn/feed-forward.js';
import { groupNorm, layerNorm } from '../src/nn/norm.js';
import type { Params } from '../src/nn/params.js';
import { Scope } from '../src/nn/scope.js';
import { AttentionBlock } from '../src/unet/attention-block.js';
import { BasicTransformerBlock } from '../src/unet/basic-transformer-block.js';
import { Downsample } from '../src/unet/downsample.js';
import { ResBlock } from '../src/unet/res-block.js';
import { SpatialTransformer } from '../src/unet/spatial-transformer.js';
import { Upsample } from '../src/unet/upsample.js';
import { VaeAttnBlock } from '../src/vae/attn-block.js';
import { NLayerDiscriminator } from '../src/vae/discriminator.js';
import { normalizeFeatures } from '../src/vae/lpips.js';
import { VaeDownsample } from '../src/vae/resample.js';
import { ResnetBlock } from '../src/vae/resnet-block.js';
import { expectMaxRel, type HostTensor, readTensors, upload, uploadImage, weightsOf } from './parity-case.js';
import { useCpu } from './support.js';

const inputs = readTensors('eps_probe/inputs.safetensors');
const outputs = readTensors('eps_probe/outputs.safetensors');
const host = (name: string): HostTensor => inputs.get(name)!;
const x = () => uploadImage(host('x'));
const emb = () => upload<tf.Rank.R2>(host('emb'));
const context = () => upload<tf.Rank.R3>(host('context'));
const ones = tf.util.makeOnesTypedArray(64, 'float32') as Float32Array;
const unit = () => [tf.tensor1d(ones), tf.zeros([64])] as [tf.Tensor1D, tf.Tensor1D];

/** A block, and how it is called. */
type Probe = (scope: Scope) => (p: Params) => tf.Tensor;
const block = <B>(make: (scope: Scope) => B, call: (block: B, p: Params) => tf.Tensor): Probe => {
  return (scope) => {
    const built = make(scope);
    return (p) => call(built, p);
  };
};

const RES = { channels: 64, embChannels: 128, dropout: 0 };
const PROBES: Record<string, Probe> = {
  unet_resblock: block(
    (s) => new ResBlock(s, { ...RES, outChannels: 96 }),
    (b, p) => b.forward(p, x(), emb()),
  ),
  unet_resblock_scale_shift: block(
    (s) => new ResBlock(s, { ...RES, outChannels: 96, useScaleShiftNorm: true, useCheckpoint: true }),
    (b, p) => b.forward(p, x(), emb()),
  ),
  unet_resblock_down: block(
    (s) => new ResBlock(s, { ...RES, down: true }),
    (b, p) => b.forward(p, x(), emb()),
  ),
  unet_resblock_up: block(
    (s) => new ResBlock(s, { ...RES, up: true, down: true }),
    (b, p) => b.forward(p, x(), emb()),
  ),
  spatial_transformer: block(
    (s) => new SpatialTransformer(s, { inChannels: 64, nHeads: 4, dHead: 16, contextDim: 32, depth: 2 }),
    (b, p) => b.forward(p, x(), context()),
  ),
  basic_transformer_block: block(
    (s) => new BasicTransformerBlock(s, { dim: 64, nHeads: 4, dHead: 16, contextDim: 32 }),
    (b, p) => b.forward(p, upload(host('x_tokens')), context()),
  ),
  unet_attention_block: block(
    (s) => new AttentionBlock(s, { channels: 64, numHeads: 4 }),
    (b, p) => b.forward(p, x()),
  ),
  unet_attention_block_new_order: block(
    (s) => new AttentionBlock(s, { channels: 64, numHeads: 4, useNewAttentionOrder: true }),
    (b, p) => b.forward(p, x()),
  ),
  vae_resnet_block: block(
    (s) => new ResnetBlock(s, { inChannels: 64, outChannels: 96, dropout: 0, tembChannels: 0 }),
    (b, p) => b.forward(p, x()),
  ),
  vae_attn_block: block(
    (s) => new VaeAttnBlock(s, { inChannels: 64 }),
    (b, p) => b.forward(p, x()),
  ),
  unet_downsample: block(
    (s) => new Downsample(s, { channels: 64, useConv: true }),
    (b, p) => b.forward(p, x()),
  ),
  vae_downsample: block(
    (s) => new VaeDownsample(s, { inChannels: 64, withConv: true }),
    (b, p) => b.forward(p, x()),
  ),
  unet_upsample: block(
    (s) => new Upsample(s, { channels: 64, useConv: true }),
    (b, p) => b.forward(p, x()),
  ),
  vae_downsample_odd: block(
    (s) => new VaeDownsample(s, { inChannels: 64, withConv: true }),
    (b, p) => b.forward(p, uploadImage(host('x_crop5'))),
  ),
  layer_norm: () => () => layerNorm(upload(host('x_nhwc')), ...unit()),
  'group_norm_1e-5': () => () => groupNorm(x(), ...unit(), { epsilon: 1e-5 }),
  'group_norm_1e-6': () => () => groupNorm(x(), ...unit(), { epsilon: 1e-6 }),
  discriminator_train: block(
    (s) => new NLayerDiscriminator(s, { inputNc: 3, ndf: 64, nLayers: 3, useActnorm: false }),
    (b, p) => b.forwardTrain(p, uploadImage(host('image'))).logits,
  ),
  lpips_normalize: () => () => normalizeFeatures(uploadImage(host('x_tiny'))),
  geglu: block(
    (s) => new GEGLU(s, 64, 32),
    (b, p) => b.forward(p, upload(host('geglu_in'))),
  ),
  gelu_exact: () => () => gelu(upload(host('line'))),
};

describe('single blocks against the original', () => {
  beforeAll(useCpu);

  it('covers every probe', () => {
    expect(Object.keys(PROBES).sort()).toEqual([...outputs.keys()].sort());
  });

  it.each(Object.keys(PROBES))('%s', (name) => {
    const scope = Scope.root();
    const run = PROBES[name]!(scope);
    expectMaxRel(run(weightsOf(scope.specs)), outputs.get(name)!, 5e-5, name === 'layer_norm' ? 'file' : 'image');
  });
});
