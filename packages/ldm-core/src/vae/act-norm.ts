import * as tf from '@tensorflow/tfjs-core';
import { type BatchReplicas, meanOverReplicas } from '../nn/batch-replicas.js';
import { ones, zeros } from '../nn/init.js';
import { offTape } from '../nn/off-tape.js';
import { Params } from '../nn/params.js';
import type { ParamKey, Scope } from '../nn/scope.js';

/** Added to the standard deviation that the first batch's scale divides by. */
const EPSILON = 1e-6;

/**
 * Activation normalization (Kingma & Dhariwal 2018, section 3.1): scale·(x + loc) per channel, where the first training
 * batch sets loc and scale so that it leaves with mean 0 and (unbiased) deviation 1, whatever values they had: loaded ones
 * count only if their flag says so, or in evaluation, which never sets them. Afterwards both are trained like any parameter.
 * Keys: `loc`, `scale` [1,C,1,1] in the file, and the flag `initialized` (int32; a byte in PyTorch's files).
 */
export class ActNorm {
  private readonly loc: ParamKey<tf.Rank.R1>;
  private readonly scale: ParamKey<tf.Rank.R1>;
  private readonly initialized: ParamKey<tf.Rank.R0>;

  constructor(scope: Scope, channels: number) {
    const file = { shape: [1, channels, 1, 1] };
    this.loc = scope.param('loc', [channels], zeros, { file });
    this.scale = scope.param('scale', [channels], ones, { file });
    this.initialized = scope.buffer('initialized', [], zeros, { dtype: 'int32' });
  }

  /** @param x [B,H,W,C] @returns [B,H,W,C] */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => tf.mul(p.of(this.scale), tf.add(x, p.of(this.loc))));
  }

  /**
   * As {@link forward}, after setting loc and scale from x if no batch has done so. Gradients flow to both as if they had
   * been set beforehand, so an update starts from the values in `buffers`.
   * @param replicas with which the batch is shared: the whole of it sets loc and scale. Absent: x is all of it
   * @returns y, and the new values of all three keys
   */
  forwardTrain(p: Params, x: tf.Tensor4D, replicas?: BatchReplicas): { y: tf.Tensor4D; buffers: Params } {
    const [loc, scale, initialized] = [p.of(this.loc), p.of(this.scale), p.of(this.initialized)];
    // What the first batch adds to each, as a constant: the gradient then reaches the parameter itself.
    const [moveLoc, moveScale] = offTape(() =>
      tf.tidy(() => {
        const { mean, std } = channelStatistics(x, replicas);
        const fresh = tf.sub(1, tf.cast(initialized, 'float32'));
        const target = tf.div(1, tf.add(std, EPSILON));
        return [tf.mul(fresh, tf.sub(tf.neg(mean), loc)), tf.mul(fresh, tf.sub(target, scale))];
      }),
    ) as [tf.Tensor1D, tf.Tensor1D];
    const set = new Params([
      [this.loc.key, tf.add(loc, moveLoc)],
      [this.scale.key, tf.add(scale, moveScale)],
      [this.initialized.key, tf.onesLike(initialized)],
    ]);
    return { y: this.forward(set, x), buffers: set };
  }
}

/** Mean and unbiased standard deviation of each channel [C], over all replicas. */
function channelStatistics(x: tf.Tensor4D, replicas?: BatchReplicas): { mean: tf.Tensor; std: tf.Tensor } {
  const [own, copies] = [x.size / x.shape[3], replicas?.count ?? 1];
  const mean = meanOverReplicas(tf.mean(x, [0, 1, 2]), replicas);
  const squares = meanOverReplicas(tf.sum(tf.squaredDifference(x, mean), [0, 1, 2]), replicas);
  return { mean, std: tf.sqrt(tf.div(squares, own - 1 / copies)) };
}
