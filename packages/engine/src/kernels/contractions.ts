import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../backend.js';
import { sameElements, withBias, withResidual } from './fused-contractions.js';
import { boolAttr, FLOAT, op, stringAttr } from './ops.js';
import { isPacked, packedProduct } from './packed-weights.js';

const upstream = new Map<string, tf.KernelConfig>();

/** Keep upstream's kernel of a name for the cases that a replacement does not treat. */
function upstreamKernel(name: string): tf.KernelConfig {
  const known = upstream.get(name) ?? tf.getKernel(name, BACKEND_NAME);
  upstream.set(name, known);
  return known;
}

/**
 * Matrix products of two plain matrices as TensorFlow's MatMul, which Grappler fuses with the bias and activation behind
 * it; upstream makes a batched product of them.
 */
export const batchMatMul = (): tf.KernelConfig => {
  const batched = upstreamKernel(tf.BatchMatMul);
  return {
    kernelName: tf.BatchMatMul,
    backendName: BACKEND_NAME,
    kernelFunc: (args) => {
      const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const { transposeA, transposeB } = args.attrs as { transposeA: boolean; transposeB: boolean };
      if (a.shape.length !== 2 || b.shape.length !== 2 || a.dtype !== 'float32' || b.dtype !== 'float32')
        return batched.kernelFunc(args);
      if (!transposeA && isPacked(b)) return packedProduct(a, b, transposeB);
      return op('MatMul', [FLOAT, boolAttr('transpose_a', transposeA), boolAttr('transpose_b', transposeB)], [a, b]);
    },
  };
};

/** Adding a vector along the last axis as BiasAdd: the same sum, and the form that Grappler fuses with what made x. Other sums join the packed layer that made one of the two. */
export const add = (): tf.KernelConfig => {
  const plain = upstreamKernel(tf.Add);
  return {
    kernelName: tf.Add,
    backendName: BACKEND_NAME,
    kernelFunc: (args) => {
      const { a, b } = args.inputs as { a: tf.TensorInfo; b: tf.TensorInfo };
      const isBias =
        a.dtype === 'float32' &&
        b.dtype === 'float32' &&
        b.shape.length === 1 &&
        (a.shape.length === 2 || a.shape.length === 4) &&
        a.shape[a.shape.length - 1] === b.shape[0];
      if (!isBias) return withResidual(a, b) ?? plain.kernelFunc(args);
      return withBias(a, b) ?? op('BiasAdd', [FLOAT, stringAttr('data_format', 'NHWC')], [a, b]);
    },
  };
};

/** Reshaping, through which it stays known what packed layer made a tensor. */
export const reshape = (): tf.KernelConfig => {
  const plain = upstreamKernel(tf.Reshape);
  return {
    kernelName: tf.Reshape,
    backendName: BACKEND_NAME,
    kernelFunc: (args) => {
      const y = plain.kernelFunc(args) as tf.TensorInfo;
      sameElements((args.inputs as { x: tf.TensorInfo }).x, y);
      return y;
    },
  };
};
