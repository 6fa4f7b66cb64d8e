import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { formulaParams } from '../nn/formula.js';
import { Scope } from '../nn/scope.js';
import { Clip, type ClipConfig } from './clip.js';
import { ClipTokenizer } from './clip-tokenizer.js';

/** Small, of the same structure. */
const SMALL: ClipConfig = {
  text: { width: 32, layers: 2, heads: 2, inner: 64, vocabulary: 64, length: 8 },
  image: { width: 48, layers: 2, heads: 3, inner: 96, side: 32, patch: 8 },
  width: 24,
  endToken: 63,
};

/** Names and shapes of the small model in the transformers library, without its layers 1. */
const KEYS = `
logit_scale
text_model.embeddings.token_embedding.weight 64x32
text_model.embeddings.position_embedding.weight 8x32
text_model.encoder.layers.0.self_attn.k_proj.weight 32x32
text_model.encoder.layers.0.self_attn.k_proj.bias 32
text_model.encoder.layers.0.self_attn.v_proj.weight 32x32
text_model.encoder.layers.0.self_attn.v_proj.bias 32
text_model.encoder.layers.0.self_attn.q_proj.weight 32x32
text_model.encoder.layers.0.self_attn.q_proj.bias 32
text_model.encoder.layers.0.self_attn.out_proj.weight 32x32
text_model.encoder.layers.0.self_attn.out_proj.bias 32
text_model.encoder.layers.0.layer_norm1.weight 32
text_model.encoder.layers.0.layer_norm1.bias 32
text_model.encoder.layers.0.mlp.fc1.weight 64x32
text_model.encoder.layers.0.mlp.fc1.bias 64
text_model.encoder.layers.0.mlp.fc2.weight 32x64
text_model.encoder.layers.0.mlp.fc2.bias 32
text_model.encoder.layers.0.layer_norm2.weight 32
text_model.encoder.layers.0.layer_norm2.bias 32
text_model.final_layer_norm.weight 32
text_model.final_layer_norm.bias 32
vision_model.embeddings.class_embedding 48
vision_model.embeddings.patch_embedding.weight 48x3x8x8
vision_model.embeddings.position_embedding.weight 17x48
vision_model.pre_layrnorm.weight 48
vision_model.pre_layrnorm.bias 48
vision_model.encoder.layers.0.self_attn.k_proj.weight 48x48
vision_model.encoder.layers.0.self_attn.k_proj.bias 48
vision_model.encoder.layers.0.self_attn.v_proj.weight 48x48
vision_model.encoder.layers.0.self_attn.v_proj.bias 48
vision_model.encoder.layers.0.self_attn.q_proj.weight 48x48
vision_model.encoder.layers.0.self_attn.q_proj.bias 48
vision_model.encoder.layers.0.self_attn.out_proj.weight 48x48
vision_model.encoder.layers.0.self_attn.out_proj.bias 48
vision_model.encoder.layers.0.layer_norm1.weight 48
vision_model.encoder.layers.0.layer_norm1.bias 48
vision_model.encoder.layers.0.mlp.fc1.weight 96x48
vision_model.encoder.layers.0.mlp.fc1.bias 96
vision_model.encoder.layers.0.mlp.fc2.weight 48x96
vision_model.encoder.layers.0.mlp.fc2.bias 48
vision_model.encoder.layers.0.layer_norm2.weight 48
vision_model.encoder.layers.0.layer_norm2.bias 48
vision_model.post_layernorm.weight 48
vision_model.post_layernorm.bias 48
visual_projection.weight 24x48
text_projection.weight 24x32
`;

// Values of scripts/peer/check_face_networks.py clip, PyTorch 2.15 in float32, weights by formula: every third.
const TEXT = {
  values: [
    0.07817931, 0.3828378, -0.347077, -0.1377997, -0.2840949, 0.1327426, 0.4035767, 0.1639404, 0.1961253, 0.3761851,
    -0.1370572, -0.3454387, -0.1659588, 0.05987545, 0.2940792, -0.08640098,
  ],
  most: 0.4035767,
};
const IMAGE = {
  values: [
    0.4347293, 0.1834107, -0.04612926, 0.05953145, 0.2316727, 0.1776557, -0.04233268, 0.05022075, 0.4347293, 0.1834107,
    -0.04612926, 0.05953145, 0.2316727, 0.1776557, -0.04233268, 0.05022075,
  ],
  most: 0.5306079,
};

function network(config?: ClipConfig) {
  const scope = Scope.root();
  return { model: new Clip(scope, config), specs: scope.specs };
}

describe('Clip', () => {
  it('has the names and shapes of the transformers library', () => {
    const { specs } = network(SMALL);
    const expected = KEYS.trim()
      .split('\n')
      .map((line) => {
        const [key, dims] = line.split(' ');
        return [key!, dims === undefined ? [] : dims.split('x').map(Number)] as const;
      });
    const found = [...specs].filter(([key]) => !key.includes('layers.1'));
    expect(new Map(found.map(([key, { file, shape }]) => [key, file?.shape ?? shape]))).toEqual(new Map(expected));
    const full = network().specs;
    const sizes = [...full.values()].map(({ shape }) => shape.reduce((size, dim) => size * dim, 1));
    expect([full.size, sizes.reduce((sum, size) => sum + size, 0)]).toEqual([398, 151_277_313]);
  });

  it('gives the vectors of PyTorch under the same weights, also of texts that end early', async () => {
    await useEngine({ device: 'cpu' });
    const { model, specs } = network(SMALL);
    const p = formulaParams(specs);
    const ids = tf.tensor2d(
      [
        [62, 5, 9, 63, 63, 63, 63, 63],
        [62, 1, 2, 3, 4, 5, 6, 63],
      ],
      [2, 8],
      'int32',
    );
    const values = Float32Array.from({ length: 2 * 32 * 32 * 3 }, (_, i) => (((i * 37) % 256) / 255) * 2 - 1);
    // The network takes [-1,1] and turns it to ImageNet's scale; PyTorch got the ramp as it is.
    const [mean, spread] = [
      [0.48145466, 0.4578275, 0.40821073],
      [0.26862954, 0.26130258, 0.27577711],
    ];
    const raw = tf.tensor4d(
      values.map((value, i) => (value * spread[i % 3]! + mean[i % 3]!) * 2 - 1),
      [2, 32, 32, 3],
    );
    const [texts, images] = [model.textVectors(p, ids), model.imageVectors(p, raw)];
    const [text, image] = [await texts.data(), await images.data()];
    for (const [i, wanted] of TEXT.values.entries()) expect(Math.abs(text[3 * i]! - wanted)).toBeLessThan(1e-5);
    for (const [i, wanted] of IMAGE.values.entries()) expect(Math.abs(image[3 * i]! - wanted)).toBeLessThan(1e-5);
    p.dispose();
    tf.dispose([ids, raw, texts, images]);
  });
});

it('ClipTokenizer frames, fills up and cuts', () => {
  const vocab = { l: 0, o: 1, w: 2, e: 3, r: 4, 'lo</w>': 5, lo: 6, 'w</w>': 7, 'low</w>': 8, 'e</w>': 9, 'r</w>': 10 };
  const file = {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: { type: 'Lowercase' },
    pre_tokenizer: { type: 'Whitespace' },
    post_processor: null,
    decoder: null,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: '',
      end_of_word_suffix: '</w>',
      fuse_unk: false,
      vocab,
      merges: ['l o', 'lo w</w>'],
    },
  };
  const tokenizer = new ClipTokenizer(file, 6, [11, 12]);
  expect(tokenizer.ids('LOW')).toEqual([11, 8, 12, 12, 12, 12]);
  expect(tokenizer.ids('low low low low low low')).toEqual([11, 8, 8, 8, 8, 12]);
});
