import * as tf from '@tensorflow/tfjs-core';
import { type BatchReplicas, meanOverReplicas } from '../nn/batch-replicas.js';
import type { Params } from '../nn/params.js';
import type { ParamKey } from '../nn/scope.js';

/** The last layer of a decoder, at whose weight two losses are compared. */
export interface LastLayer {
  /** @param h [B,H,W,C'] @returns image [B,H,W,C] */
  forward(p: Params, h: tf.Tensor4D): tf.Tensor4D;
  readonly weight: ParamKey<tf.Rank.R4>;
}

/** Added to the denominator. */
const EPSILON = 1e-4;
/** Largest weight. */
const LIMIT = 1e4;

/**
 * How much larger the gradient of one loss is than that of another at the decoder's last weight W (VQGAN: Esser et al.
 * 2021, equation 7): clamp(‖∂a/∂W‖ / (‖∂b/∂W‖ + 1e-4), 0, 1e4). To be called off the tape: the weight is a constant.
 *
 * @param features input of the last layer [B,H,W,C']
 * @param byImageA gradient of loss a with respect to the image [B,H,W,C]
 * @param byImageB the same of loss b
 * @param replicas with which the batch is shared: both gradients are those of the whole batch. Absent: this is all of it
 */
export function adaptiveWeight(
  p: Params,
  lastLayer: LastLayer,
  features: tf.Tensor4D,
  byImageA: tf.Tensor4D,
  byImageB: tf.Tensor4D,
  replicas?: BatchReplicas,
): tf.Scalar {
  return tf.tidy(() => {
    const { key } = lastLayer.weight;
    const byWeight = tf.grad((w: tf.Tensor) => lastLayer.forward(p.merge(new Map([[key, w]])), features));
    const [a, b] = [byImageA, byImageB].map((byImage) =>
      tf.norm(meanOverReplicas(byWeight(p.of(lastLayer.weight), byImage), replicas)),
    );
    return tf.clipByValue(tf.div(a!, tf.add(b!, EPSILON)), 0, LIMIT) as tf.Scalar;
  });
}
