import * as tf from '@tensorflow/tfjs-core';

/** Run a kernel of the current backend by name, as ldm-core does. @returns its outputs */
export function runKernel(name: string, inputs: tf.NamedTensorMap, attrs: tf.NamedAttrMap = {}): tf.Tensor[] {
  const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attrs);
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** Float values of a fixed pattern without symmetry, in (-scale, scale). */
export function waves(shape: number[], phase = 0, scale = 1): tf.Tensor {
  const size = tf.util.sizeFromShape(shape);
  return tf.tensor(
    Float32Array.from({ length: size }, (_, i) => scale * Math.sin(1.7 * i + 0.3 * i * i + phase)),
    shape,
  );
}

/** @returns the largest |got - wanted|, NaN as infinity */
export function largestDifference(got: tf.Tensor, wanted: tf.Tensor | ArrayLike<number>): number {
  const a = got.dataSync();
  const b = wanted instanceof tf.Tensor ? wanted.dataSync() : wanted;
  if (a.length !== b.length) return Number.POSITIVE_INFINITY;
  let worst = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = Math.abs(a[i]! - b[i]!);
    worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
  }
  return worst;
}
