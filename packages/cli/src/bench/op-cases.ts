import { compile } from '@codiff/engine';
import { attention, conv2d, geglu, gelu, groupNorm, layerNorm, Rng, silu, upsampleNearest2x } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, BenchSpec } from './case.js';

/** Repetitions inside one compiled call: long enough to time, and the call's own cost drops out. */
const CHAIN = 4;

type Unary = (x: tf.Tensor) => tf.Tensor;

interface OpBench {
  readonly shape: readonly number[];
  /** Our op: the engine's kernel where it has one. */
  readonly ours: (draw: (shape: number[]) => tf.Tensor) => Unary;
  /** The same in plain tfjs ops. */
  readonly plain: (draw: (shape: number[]) => tf.Tensor) => Unary;
  readonly flops?: number;
}

const normalize = (x: tf.Tensor, axes: number[]): tf.Tensor => {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
};
const plainGelu: Unary = (x) => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
const plainAttention = (q: tf.Tensor, k: tf.Tensor, v: tf.Tensor, heads: number): tf.Tensor => {
  const [B, N, C] = q.shape as [number, number, number];
  const split = (x: tf.Tensor) => tf.transpose(tf.reshape(x, [B, -1, heads, C / heads]), [0, 2, 1, 3]);
  const P = tf.softmax(tf.mul(tf.matMul(split(q), split(k), false, true), (C / heads) ** -0.5));
  return tf.reshape(tf.transpose(tf.matMul(P, split(v)), [0, 2, 1, 3]), [B, N, C]);
};

const attentionBench = (N: number, C: number, heads: number): OpBench => ({
  shape: [1, N, C],
  ours: () => (x) => {
    const q = x as tf.Tensor3D;
    return attention(q, q, q, { heads, scale: (C / heads) ** -0.5 });
  },
  plain: () => (x) => plainAttention(x, x, x, heads),
  flops: 4 * N * N * C,
});

const OPS: Readonly<Record<string, OpBench>> = {
  'group-norm': {
    shape: [1, 64, 64, 192],
    ours: (draw) => {
      const [scale, offset] = [draw([192]) as tf.Tensor1D, draw([192]) as tf.Tensor1D];
      return (x) => groupNorm(x, scale, offset);
    },
    plain: (draw) => {
      const [scale, offset] = [draw([192]), draw([192])];
      return (x) =>
        tf.add(tf.mul(tf.reshape(normalize(tf.reshape(x, [1, 4096, 32, 6]), [1, 3]), x.shape), scale), offset);
    },
  },
  'group-norm-silu': {
    shape: [1, 64, 64, 192],
    ours: (draw) => {
      const [scale, offset] = [draw([192]) as tf.Tensor1D, draw([192]) as tf.Tensor1D];
      return (x) => groupNorm(x, scale, offset, { activation: 'silu' });
    },
    plain: (draw) => {
      const [scale, offset] = [draw([192]), draw([192])];
      return (x) => {
        const z = tf.add(
          tf.mul(tf.reshape(normalize(tf.reshape(x, [1, 4096, 32, 6]), [1, 3]), x.shape), scale),
          offset,
        );
        return tf.mul(z, tf.sigmoid(z));
      };
    },
  },
  'layer-norm': {
    shape: [1, 1024, 384],
    ours: (draw) => {
      const [scale, offset] = [draw([384]) as tf.Tensor1D, draw([384]) as tf.Tensor1D];
      return (x) => layerNorm(x, scale, offset);
    },
    plain: (draw) => {
      const [scale, offset] = [draw([384]), draw([384])];
      return (x) => tf.add(tf.mul(normalize(x, [2]), scale), offset);
    },
  },
  silu: { shape: [1, 64, 64, 192], ours: () => silu, plain: () => (x) => tf.mul(x, tf.sigmoid(x)) },
  gelu: { shape: [1, 1024, 1536], ours: () => gelu, plain: () => plainGelu },
  geglu: {
    shape: [1, 1024, 3072],
    ours: () => geglu,
    plain: () => (x) => {
      const [value, gate] = tf.split(x, 2, -1);
      return tf.mul(value!, plainGelu(gate!));
    },
  },
  'attention-1024x12': attentionBench(1024, 384, 32),
  'attention-4096x512': attentionBench(4096, 512, 1),
  'upsample-2x': {
    shape: [1, 32, 32, 384],
    ours: () => (x) => upsampleNearest2x(x as tf.Tensor4D),
    plain: () => (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [64, 64]),
  },
  'conv-stride-2': {
    shape: [1, 64, 64, 192],
    ours: (draw) => {
      const w = draw([3, 3, 192, 192]) as tf.Tensor4D;
      return (x) => conv2d(x as tf.Tensor4D, w, { stride: 2, pad: 1 });
    },
    plain: (draw) => {
      const w = draw([3, 3, 192, 192]) as tf.Tensor4D;
      const zeros: [number, number][] = [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ];
      return (x) => tf.conv2d(tf.pad(x, zeros) as tf.Tensor4D, w, 2, 'valid');
    },
    flops: 2 * 32 * 32 * 9 * 192 * 192,
  },
  'conv-3x3': {
    shape: [1, 64, 64, 192],
    ours: (draw) => {
      const w = draw([3, 3, 192, 192]) as tf.Tensor4D;
      return (x) => conv2d(x as tf.Tensor4D, w, { pad: 1 });
    },
    plain: (draw) => {
      const w = draw([3, 3, 192, 192]) as tf.Tensor4D;
      return (x) => tf.conv2d(x as tf.Tensor4D, w, 1, 'same');
    },
    flops: 2 * 64 * 64 * 9 * 192 * 192,
  },
  matmul: {
    shape: [1024, 1024],
    ours: (draw) => {
      const w = draw([1024, 1024]) as tf.Tensor2D;
      return (x) => tf.matMul(x as tf.Tensor2D, w);
    },
    plain: (draw) => {
      const w = draw([1024, 1024]) as tf.Tensor2D;
      return (x) => tf.matMul(x as tf.Tensor2D, w);
    },
    flops: 2 * 1024 ** 3,
  },
};

/** Suffix of the benchmark that does the same in plain tfjs ops, compiled too: what a kernel has to beat. */
export const COMPOSED = ':composed';

/** Names of the single-operation benchmarks, with the two that time the engine itself. */
export const opNames: readonly string[] = ['scalar-op', 'captured-700', ...Object.keys(OPS)];

/** Forward: the op; step: the op and its gradient. Compiled runs do CHAIN independent ones in one call. */
export function opCase(spec: BenchSpec): BenchCase {
  if (spec.name === 'scalar-op') return scalarOp();
  if (spec.name === 'captured-700') return capturedCall();
  const composed = spec.name.endsWith(COMPOSED);
  const bench = OPS[composed ? spec.name.slice(0, -COMPOSED.length) : spec.name];
  if (bench === undefined)
    throw new Error(`bench: no benchmark '${spec.name}'; there are block-64, block-192, ${opNames.join(', ')}`);
  const rng = Rng.of(1);
  let draws = 0;
  const draw = (shape: number[]): tf.Tensor => rng.split(draws++).normal(shape);
  const fn = (composed ? bench.plain : bench.ours)(draw);
  const inputs = Array.from({ length: CHAIN }, () => draw([...bench.shape]));
  const dy = tf.tidy(() => draw(fn(inputs[0]!).shape));
  const one = spec.phase === 'forward' ? fn : (x: tf.Tensor) => tf.grad(fn)(x, dy);
  const all = compile((tensors: tf.Tensor[]) => tensors.map(one), { name: spec.name, precision: spec.precision });
  return {
    flops: bench.flops === undefined ? null : bench.flops * (spec.phase === 'step' ? 2 : 1),
    repeats: CHAIN,
    run: async () => {
      const results = all(inputs);
      await results[CHAIN - 1]!.data();
      tf.dispose(results);
    },
  };
}

/** One eager addition of two scalars, handles and book-keeping included. */
function scalarOp(): BenchCase {
  const REPEATS = 2000;
  const [a, b] = [tf.scalar(1), tf.scalar(2)];
  return {
    flops: null,
    repeats: REPEATS,
    run: async () => {
      for (let i = 0; i < REPEATS; i++) tf.add(a, b).dispose();
    },
  };
}

/** Calling a compiled function that does next to nothing with 700 tensors from outside: the cost of the call itself. */
function capturedCall(): BenchCase {
  const REPEATS = 50;
  const weights = Array.from({ length: 700 }, (_, i) => tf.scalar(i));
  const call = compile((x: tf.Scalar) => tf.add(x, tf.addN(weights)), { name: 'captured-700' });
  const x = tf.scalar(1);
  return {
    flops: null,
    repeats: REPEATS,
    run: async () => {
      for (let i = 0; i < REPEATS; i++) {
        const y = call(x);
        if (i === REPEATS - 1) await y.data();
        y.dispose();
      }
    },
  };
}
