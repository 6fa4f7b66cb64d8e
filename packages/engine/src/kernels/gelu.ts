import * as tf from '@tensorflow/tfjs-core';
import { withGeglu, withGelu } from './fused-contractions.js';
import { defineKernel } from './ops.js';

/** x Phi(x), computed with the product that makes x where its weight is packed. */
export const gelu = defineKernel<{ x: tf.Tensor }>('Gelu', ({ x }) => [withGelu(x) ?? ofNormal(x)]);

/** x [..., 2D] = [value | gate] to value gelu(gate), likewise. */
export const geglu = defineKernel<{ x: tf.Tensor }>('Geglu', ({ x }) => {
  const fused = withGeglu(x);
  if (fused !== null) return [fused];
  const [value, gate] = tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor];
  return [tf.mul(value, ofNormal(gate))];
});

/** x times the normal's distribution function of x. */
function ofNormal(x: tf.Tensor): tf.Tensor {
  return tf.mul(x, tf.mul(tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1), 0.5));
}
