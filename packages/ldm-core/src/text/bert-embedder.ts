import * as tf from '@tensorflow/tfjs-core';
import type { BertEmbedderConfig } from '../config/cond-stage-config.js';
import { attention } from '../nn/attention.js';
import { dropout, type Rng } from '../nn/dropout.js';
import { Embedding } from '../nn/embedding.js';
import { FeedForward } from '../nn/feed-forward.js';
import { normal } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import { LayerNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { ShapeError } from '../nn/shape-error.js';

/** Heads and their width, whatever the model's width: the original never sets them. */
const HEADS = 8;
const DIM_HEAD = 64;
/** Standard deviation of both embeddings at the start. */
const EMBEDDING_STD = 0.02;

/** What a pass may take besides the ids. */
export interface BertPassOptions {
  /** Source of dropout on the embeddings; without it nothing is dropped. */
  readonly rng?: Rng | undefined;
  /** Sees the output of each attention and feed-forward before its residual, in order: [B,L,D]. Owns nothing. */
  readonly onSublayer?: ((index: number, output: tf.Tensor3D) => void) | undefined;
}

/** Self-attention. Keys: `to_q`, `to_k`, `to_v` without bias, `to_out` with. */
class SelfAttention {
  private readonly toQ: Linear;
  private readonly toK: Linear;
  private readonly toV: Linear;
  private readonly toOut: Linear;

  constructor(scope: Scope, dim: number) {
    const inner = HEADS * DIM_HEAD;
    this.toQ = new Linear(scope.at('to_q'), dim, inner, { bias: false });
    this.toK = new Linear(scope.at('to_k'), dim, inner, { bias: false });
    this.toV = new Linear(scope.at('to_v'), dim, inner, { bias: false });
    this.toOut = new Linear(scope.at('to_out'), inner, dim);
  }

  /** @param x [B,L,D] @returns [B,L,D] */
  forward(p: Params, x: tf.Tensor3D): tf.Tensor3D {
    const [q, k, v] = [this.toQ, this.toK, this.toV].map((layer) => layer.forward(p, x)); // [B,L,h·d]
    return this.toOut.forward(p, attention(q!, k!, v!, { heads: HEADS, scale: DIM_HEAD ** -0.5 }));
  }
}

/**
 * The text encoder: a transformer trained from scratch on BERT's token ids (Rombach et al. 2022, section 3.3), without any
 * attention mask: padding takes part. Keys under `transformer`: `token_emb`, `pos_emb.emb`, `attn_layers.layers.{2i,2i+1}`
 * (`.0` norm, `.1` attention or feed-forward), `norm`, and `to_logits`, which nothing reads.
 */
export class BERTEmbedder {
  private readonly tokenEmb: Embedding;
  private readonly posEmb: Embedding;
  private readonly sublayers: readonly { readonly norm: LayerNorm; readonly layer: SelfAttention | FeedForward }[];
  private readonly norm: LayerNorm;

  constructor(
    private readonly scope: Scope,
    /** What it was built from. */
    readonly config: BertEmbedderConfig,
  ) {
    const { nEmbed: dim, nLayer, vocabSize, maxSeqLen } = config;
    const at = scope.at('transformer');
    const init = normal(0, EMBEDDING_STD);
    this.tokenEmb = new Embedding(at.at('token_emb'), vocabSize, dim, { init });
    this.posEmb = new Embedding(at.at('pos_emb.emb'), maxSeqLen, dim, { init });
    this.sublayers = Array.from({ length: 2 * nLayer }, (_, i) => {
      const layers = at.at(`attn_layers.layers.${i}`);
      const norm = new LayerNorm(layers.at(0), dim, { epsilon: 1e-5 });
      const layer =
        i % 2 === 0 ? new SelfAttention(layers.at(1), dim) : new FeedForward(layers.at(1), dim, { gated: false });
      return { norm, layer };
    });
    this.norm = new LayerNorm(at.at('norm'), dim, { epsilon: 1e-5 });
    // Declared for the checkpoint: the encoder gives embeddings, not logits.
    new Linear(at.at('to_logits'), dim, vocabSize);
  }

  /**
   * @param ids token ids, int32 [B,L], L at most `max_seq_len`, each below `vocab_size`
   * @returns context [B,L,n_embed]
   * @throws ShapeError if L is larger
   */
  forward(p: Params, ids: tf.Tensor2D, { rng, onSublayer }: BertPassOptions = {}): tf.Tensor3D {
    const [B, L] = ids.shape;
    const { maxSeqLen, embeddingDropout, nEmbed } = this.config;
    if (ids.rank !== 2 || L > maxSeqLen) {
      const wanted = `[B,L] with L <= ${maxSeqLen} (max_seq_len)`;
      throw new ShapeError(`bert embedder '${this.scope.path}'`, 'ids', ids.shape, wanted);
    }
    return tf.tidy(() => {
      const positions = this.posEmb.forward(p, tf.range(0, L, 1, 'int32')); // [L,D]
      const embedded = tf.add(this.tokenEmb.forward(p, ids), tf.reshape(positions, [1, L, nEmbed])) as tf.Tensor3D;
      let x = dropout(embedded, embeddingDropout, rng?.split(this.scope.path)); // [B,L,D]
      this.sublayers.forEach(({ norm, layer }, i) => {
        const next: tf.Tensor3D = tf.tidy(() => {
          const output = layer.forward(p, norm.forward(p, x));
          onSublayer?.(i, output);
          return tf.add(x, output);
        });
        x.dispose();
        x = next;
      });
      return tf.reshape(this.norm.forward(p, x), [B, L, nEmbed]);
    });
  }
}
