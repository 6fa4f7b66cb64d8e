import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import { currentEngine } from '../engine.js';
import { runsInFunctions } from './graph-only.js';
import { defineKernel, FLOAT, op } from './ops.js';

/** oneDNN's fused form, twice as fast as the composed one: inside functions only, and in builds that have oneDNN. */
const FUSED = '_MklLayerNorm';
const attrsOf = (epsilon: number) => [FLOAT, { name: 'epsilon', type: AttrKind.float, value: epsilon }];
let fusedWorks: boolean | undefined;

/** Layer normalization over the last axis. */
export const layerNorm = defineKernel<Record<'x' | 'scale' | 'offset', tf.Tensor>, { epsilon: number }>(
  'LayerNorm',
  ({ x, scale, offset }, { epsilon }) => {
    const { trace, runtime } = currentEngine().binding;
    // XLA has no such operation, and a GPU would have to fetch it from the CPU.
    if (trace !== null && !trace.xla && !runtime.onGpu) {
      fusedWorks ??= runsInFunctions(FUSED, attrsOf(1e-5), [[2, 4], [4], [4]]);
      // It takes two or three axes only.
      const rows = tf.reshape(x, [-1, scale.shape[0]!]);
      if (fusedWorks) return [tf.reshape(op(FUSED, attrsOf(epsilon), [rows, scale, offset]), x.shape)];
    }
    const centred = tf.sub(x, tf.mean(x, -1, true));
    const inverse = tf.rsqrt(tf.add(tf.mean(tf.square(centred), -1, true), epsilon));
    return [tf.add(tf.mul(tf.mul(centred, inverse), scale), offset)];
  },
);
