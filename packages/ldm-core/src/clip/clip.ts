import * as tf from '@tensorflow/tfjs-core';
import { Embedding } from '../nn/embedding.js';
import { kaiming, normal } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import { LayerNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { ParamKey, Scope } from '../nn/scope.js';
import { ClipEncoder, type ClipTowerConfig } from './clip-layers.js';

/** Sizes of a CLIP model. */
export interface ClipConfig {
  readonly text: ClipTowerConfig & { readonly vocabulary: number; readonly length: number };
  readonly image: ClipTowerConfig & { readonly side: number; readonly patch: number };
  /** Width of the space that both towers lead to. */
  readonly width: number;
  /** Id of the token that ends a text, and fills it up. */
  readonly endToken: number;
}

/** ViT-B/32, `openai/clip-vit-base-patch32`. */
export const CLIP_VIT_B_32: ClipConfig = {
  text: { width: 512, layers: 12, heads: 8, inner: 2048, vocabulary: 49408, length: 77 },
  image: { width: 768, layers: 12, heads: 12, inner: 3072, side: 224, patch: 32 },
  width: 512,
  endToken: 49407,
};

/** Mean and spread of colours, of values in [0,1]. */
const MEAN = [0.48145466, 0.4578275, 0.40821073];
const SPREAD = [0.26862954, 0.26130258, 0.27577711];

/**
 * CLIP (Radford et al. 2021): a text tower and an image tower whose vectors point the same way where text and image fit. Names
 * and shapes are those of the transformers library's checkpoints (`model.safetensors`).
 */
export class Clip {
  private readonly tokens: Embedding;
  private readonly textPositions: ParamKey<tf.Rank.R2>;
  private readonly textEncoder: ClipEncoder;
  private readonly textNorm: LayerNorm;
  private readonly classToken: ParamKey<tf.Rank.R1>;
  private readonly patches: ParamKey<tf.Rank.R4>;
  private readonly imagePositions: ParamKey<tf.Rank.R2>;
  private readonly preNorm: LayerNorm;
  private readonly imageEncoder: ClipEncoder;
  private readonly postNorm: LayerNorm;
  private readonly imageProjection: Linear;
  private readonly textProjection: Linear;

  constructor(
    scope: Scope,
    readonly config: ClipConfig = CLIP_VIT_B_32,
  ) {
    const { text, image, width } = config;
    // A temperature of training; cosines have no use for it.
    scope.param('logit_scale', [], { kind: 'constant', value: Math.log(1 / 0.07) });
    const texts = scope.at('text_model');
    this.tokens = new Embedding(texts.at('embeddings.token_embedding'), text.vocabulary, text.width);
    this.textPositions = texts.param(
      'embeddings.position_embedding.weight',
      [text.length, text.width],
      normal(0, 0.02),
    );
    this.textEncoder = new ClipEncoder(texts.at('encoder'), text);
    this.textNorm = new LayerNorm(texts.at('final_layer_norm'), text.width);
    const images = scope.at('vision_model');
    const { patch, side } = image;
    const places = (side / patch) ** 2 + 1;
    this.classToken = images.param('embeddings.class_embedding', [image.width], normal(0, 0.02));
    this.patches = images.param(
      'embeddings.patch_embedding.weight',
      [patch, patch, 3, image.width],
      kaiming(patch * patch * 3),
      { file: { shape: [image.width, 3, patch, patch], perm: [2, 3, 1, 0] } },
    );
    this.imagePositions = images.param('embeddings.position_embedding.weight', [places, image.width], normal(0, 0.02));
    this.preNorm = new LayerNorm(images.at('pre_layrnorm'), image.width);
    this.imageEncoder = new ClipEncoder(images.at('encoder'), image);
    this.postNorm = new LayerNorm(images.at('post_layernorm'), image.width);
    this.imageProjection = new Linear(scope.at('visual_projection'), image.width, width, { bias: false });
    this.textProjection = new Linear(scope.at('text_projection'), text.width, width, { bias: false });
  }

  /**
   * The vector of each text: that of its first end token, of length 1.
   * @param ids int32 [B,L], L at most 77, filled up with the end token @returns [B,width]
   */
  textVectors(p: Params, ids: tf.Tensor2D): tf.Tensor2D {
    return tf.tidy(() => {
      const [B, L] = ids.shape;
      const positions = tf.slice(p.of(this.textPositions), [0, 0], [L, -1]);
      const x = tf.add(this.tokens.forward(p, ids), positions) as tf.Tensor3D;
      const h = this.textNorm.forward(p, this.textEncoder.forward(p, x, causalMask(L)));
      const end = tf.argMax(tf.cast(tf.equal(ids, this.config.endToken), 'int32'), 1);
      const at = tf.expandDims(tf.oneHot(tf.reshape(end, [B]) as tf.Tensor1D, L), 2);
      const last = tf.sum(tf.mul(h, tf.cast(at, 'float32')), 1) as tf.Tensor2D;
      return unit(this.textProjection.forward(p, last));
    });
  }

  /** The vector of each image, of length 1. @param x images in [-1,1] [B,side,side,3] @returns [B,width] */
  imageVectors(p: Params, x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      const { patch, width } = this.config.image;
      const colours = tf.div(tf.sub(tf.div(tf.add(x, 1), 2), MEAN), SPREAD) as tf.Tensor4D;
      const grid = tf.conv2d(colours, p.of(this.patches), patch, 'valid');
      const B = x.shape[0];
      const tokens = tf.reshape(grid, [B, -1, width]) as tf.Tensor3D;
      const first = tf.tile(tf.reshape(p.of(this.classToken), [1, 1, width]), [B, 1, 1]) as tf.Tensor3D;
      const placed = tf.add(tf.concat([first, tokens], 1), p.of(this.imagePositions)) as tf.Tensor3D;
      const h = this.imageEncoder.forward(p, this.preNorm.forward(p, placed));
      const pooled = tf.reshape(tf.slice(h, [0, 0, 0], [-1, 1, -1]), [B, width]) as tf.Tensor2D;
      return unit(this.imageProjection.forward(p, this.postNorm.forward(p, pooled)));
    });
  }
}

/** No token sees a later one: added to logits [L,L]. */
function causalMask(L: number): tf.Tensor2D {
  const values = Float32Array.from({ length: L * L }, (_, at) => (at % L > Math.floor(at / L) ? -1e9 : 0));
  return tf.tensor2d(values, [L, L]);
}

const unit = (x: tf.Tensor2D): tf.Tensor2D => tf.div(x, tf.norm(x, 2, 1, true));
