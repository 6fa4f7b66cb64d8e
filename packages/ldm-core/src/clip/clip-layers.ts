import * as tf from '@tensorflow/tfjs-core';
import { Linear } from '../nn/linear.js';
import { LayerNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';

/** Size of a tower. */
export interface ClipTowerConfig {
  readonly width: number;
  readonly layers: number;
  readonly heads: number;
  /** Width inside the feed-forward layers: 4 x width. */
  readonly inner: number;
}

/** x sigmoid(1.702 x): the approximation of GELU that CLIP was trained with. */
const quickGelu = (x: tf.Tensor3D): tf.Tensor3D => tf.mul(x, tf.sigmoid(tf.mul(x, 1.702)));

/** Pre-norm transformer layer. Keys `self_attn.{q,k,v,out}_proj layer_norm1 mlp.fc1 mlp.fc2 layer_norm2`. */
class ClipLayer {
  private readonly q: Linear;
  private readonly k: Linear;
  private readonly v: Linear;
  private readonly out: Linear;
  private readonly norm1: LayerNorm;
  private readonly norm2: LayerNorm;
  private readonly fc1: Linear;
  private readonly fc2: Linear;
  private readonly heads: number;

  constructor(scope: Scope, { width, heads, inner }: ClipTowerConfig) {
    const project = (name: string) => new Linear(scope.at(`self_attn.${name}_proj`), width, width);
    this.k = project('k');
    this.v = project('v');
    this.q = project('q');
    this.out = project('out');
    this.norm1 = new LayerNorm(scope.at('layer_norm1'), width);
    this.fc1 = new Linear(scope.at('mlp.fc1'), width, inner);
    this.fc2 = new Linear(scope.at('mlp.fc2'), inner, width);
    this.norm2 = new LayerNorm(scope.at('layer_norm2'), width);
    this.heads = heads;
  }

  /** @param x [B,N,D] @param mask added to the logits [N,N] @returns [B,N,D] */
  forward(p: Params, x: tf.Tensor3D, mask?: tf.Tensor2D): tf.Tensor3D {
    return tf.tidy(() => {
      const h = tf.add(x, this.attend(p, this.norm1.forward(p, x), mask)) as tf.Tensor3D;
      const inner = quickGelu(this.fc1.forward(p, this.norm2.forward(p, h)));
      return tf.add(h, this.fc2.forward(p, inner));
    });
  }

  private attend(p: Params, x: tf.Tensor3D, mask?: tf.Tensor2D): tf.Tensor3D {
    const [B, N, D] = x.shape;
    const d = D / this.heads;
    const split = (layer: Linear) =>
      tf.transpose(tf.reshape(layer.forward(p, x), [B, N, this.heads, d]), [0, 2, 1, 3]) as tf.Tensor4D;
    const [q, k, v] = [split(this.q), split(this.k), split(this.v)];
    const logits = tf.matMul(tf.mul(q, d ** -0.5), k, false, true); // [B,h,N,N]
    const shares = tf.softmax(mask === undefined ? logits : tf.add(logits, mask));
    const merged = tf.reshape(tf.transpose(tf.matMul(shares, v), [0, 2, 1, 3]), [B, N, D]) as tf.Tensor3D;
    return this.out.forward(p, merged);
  }
}

/** The layers of a tower, one after the other. Keys `layers.0 ...`. */
export class ClipEncoder {
  private readonly layers: readonly ClipLayer[];

  constructor(scope: Scope, config: ClipTowerConfig) {
    this.layers = Array.from({ length: config.layers }, (_, i) => new ClipLayer(scope.at(`layers.${i}`), config));
  }

  /** @param x [B,N,D] @param mask as for a layer @returns [B,N,D] */
  forward(p: Params, x: tf.Tensor3D, mask?: tf.Tensor2D): tf.Tensor3D {
    return this.layers.reduce((h, layer) => layer.forward(p, h, mask), x);
  }
}
