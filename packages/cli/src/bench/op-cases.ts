import { compile } from '@codiff/engine';
import {
  attention,
  conv2d,
  geglu,
  gelu,
  groupNorm,
  layerNorm,
  Rng,
  silu,
  upsampleConv2d,
  upsampleNearest2x,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, BenchSpec } from './case.js';
import { updateCase, updateNames } from './update-cases.js';

/** Repetitions inside one compiled call: long enough to time, and the call's own cost drops out. */
const CHAIN = 4;

type Weighted = (x: tf.Tensor, weights: readonly tf.Tensor[]) => tf.Tensor;

interface OpBench {
  readonly shape: readonly number[];
  /** Shapes of the weights, whose gradients belong to the step. */
  readonly weights?: readonly (readonly number[])[];
  /** Our op: the engine's kernel where it has one. */
  readonly ours: Weighted;
  /** The same in plain tfjs ops. */
  readonly plain: Weighted;
  /** Arithmetic of the forward pass, where it means something. */
  readonly flops?: number;
  /** The op has no gradient. */
  readonly forwardOnly?: true;
}

const normalize = (x: tf.Tensor, axes: number[]): tf.Tensor => {
  const { mean, variance } = tf.moments(x, axes, true);
  return tf.mul(tf.sub(x, mean), tf.rsqrt(tf.add(variance, 1e-5)));
};
const plainGelu = (x: tf.Tensor): tf.Tensor => tf.mul(tf.mul(x, 0.5), tf.add(tf.erf(tf.mul(x, Math.SQRT1_2)), 1));
const plainGroupNorm: Weighted = (x, [scale, offset]) => {
  const [B, H, W, C] = x.shape as [number, number, number, number];
  const rows = normalize(tf.reshape(x, [B, H * W, 32, C / 32]), [1, 3]);
  return tf.add(tf.mul(tf.reshape(rows, x.shape), scale!), offset!);
};
const plainAttention = (x: tf.Tensor, heads: number): tf.Tensor => {
  const [B, N, C] = x.shape as [number, number, number];
  const q = tf.transpose(tf.reshape(x, [B, N, heads, C / heads]), [0, 2, 1, 3]);
  const P = tf.softmax(tf.mul(tf.matMul(q, q, false, true), (C / heads) ** -0.5));
  return tf.reshape(tf.transpose(tf.matMul(P, q), [0, 2, 1, 3]), [B, N, C]);
};

const attentionBench = (N: number, C: number, heads: number): OpBench => ({
  shape: [1, N, C],
  ours: (x) => {
    const q = x as tf.Tensor3D;
    return attention(q, q, q, { heads, scale: (C / heads) ** -0.5 });
  },
  plain: (x) => plainAttention(x, heads),
  flops: 4 * N * N * C,
});

const convolutionBench = (side: number, C: number): OpBench => ({
  shape: [1, side, side, C],
  weights: [[3, 3, C, C]],
  ours: (x, [w]) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, { pad: 1 }),
  plain: (x, [w]) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same'),
  flops: 2 * side * side * 9 * C * C,
});

const OPS: Readonly<Record<string, OpBench>> = {
  'group-norm': {
    shape: [1, 64, 64, 192],
    weights: [[192], [192]],
    ours: (x, [scale, offset]) => groupNorm(x, scale as tf.Tensor1D, offset as tf.Tensor1D),
    plain: plainGroupNorm,
  },
  'group-norm-silu': {
    shape: [1, 64, 64, 192],
    weights: [[192], [192]],
    ours: (x, [scale, offset]) => groupNorm(x, scale as tf.Tensor1D, offset as tf.Tensor1D, { activation: 'silu' }),
    plain: (x, weights) => {
      const z = plainGroupNorm(x, weights);
      return tf.mul(z, tf.sigmoid(z));
    },
  },
  'layer-norm': {
    shape: [1, 1024, 384],
    weights: [[384], [384]],
    ours: (x, [scale, offset]) => layerNorm(x, scale as tf.Tensor1D, offset as tf.Tensor1D),
    plain: (x, [scale, offset]) => tf.add(tf.mul(normalize(x, [2]), scale!), offset!),
  },
  silu: { shape: [1, 64, 64, 192], ours: (x) => silu(x), plain: (x) => tf.mul(x, tf.sigmoid(x)) },
  gelu: { shape: [1, 1024, 1536], ours: (x) => gelu(x), plain: plainGelu },
  geglu: {
    shape: [1, 1024, 3072],
    ours: (x) => geglu(x),
    plain: (x) => {
      const [value, gate] = tf.split(x, 2, -1);
      return tf.mul(value!, plainGelu(gate!));
    },
  },
  'attention-1024x12': attentionBench(1024, 384, 32),
  'attention-4096x512': attentionBench(4096, 512, 1),
  'upsample-2x': {
    shape: [1, 32, 32, 384],
    ours: (x) => upsampleNearest2x(x as tf.Tensor4D),
    plain: (x) => tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [64, 64]),
  },
  'conv-stride-2': {
    shape: [1, 64, 64, 192],
    weights: [[3, 3, 192, 192]],
    ours: (x, [w]) => conv2d(x as tf.Tensor4D, w as tf.Tensor4D, { stride: 2, pad: 1 }),
    plain: (x, [w]) => {
      const zeros: [number, number][] = [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ];
      return tf.conv2d(tf.pad(x, zeros) as tf.Tensor4D, w as tf.Tensor4D, 2, 'valid');
    },
    flops: 2 * 32 * 32 * 9 * 192 * 192,
  },
  'conv-3x3': convolutionBench(64, 192),
  // Few pixels and many channels, as at a UNet's bottom.
  'conv-3x3-deep': convolutionBench(8, 960),
  // Arithmetic as the plain form has it.
  'upsample-conv-2x': {
    shape: [1, 64, 64, 256],
    weights: [[3, 3, 256, 256]],
    ours: (x, [w]) => upsampleConv2d(x as tf.Tensor4D, w as tf.Tensor4D),
    plain: (x, [w]) => {
      const large = tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [128, 128]);
      return tf.conv2d(large, w as tf.Tensor4D, 1, 'same');
    },
    flops: 2 * 128 * 128 * 9 * 256 * 256,
  },
  linear: {
    shape: [1024, 1024],
    weights: [[1024, 1024], [1024]],
    ours: (x, [w, bias]) => tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), bias!),
    // Of rank 3, products and sums are upstream's own.
    plain: (x, [w, bias]) => {
      const y = tf.matMul(tf.reshape(x, [1, 1024, 1024]), tf.reshape(w!, [1, 1024, 1024]));
      return tf.reshape(tf.add(y, bias!), [1024, 1024]);
    },
    flops: 2 * 1024 ** 3,
  },
  // tfjs-core has no draw that a function can hold, so composed ones are made of each other.
  'random-normal': {
    shape: [1],
    ours: (x) => rngOf(x).normal([64, 64, 192]),
    // Uniform draws, then Box and Muller's formula.
    plain: (x) => {
      const [u, v] = [rngOf(x).uniform([64, 64, 192]), rngOf(x).split(1).uniform([64, 64, 192])];
      return tf.mul(tf.sqrt(tf.mul(tf.log(tf.sub(1, u)), -2)), tf.cos(tf.mul(v, 2 * Math.PI)));
    },
    forwardOnly: true,
  },
  'random-uniform': {
    shape: [1],
    ours: (x) => rngOf(x).uniform([64, 64, 192]),
    plain: (x) => tf.mul(tf.cast(rngOf(x).integers([64, 64, 192], 0, 2 ** 23), 'float32'), 2 ** -23),
    forwardOnly: true,
  },
  'random-integers': {
    shape: [1],
    ours: (x) => rngOf(x).integers([64, 64, 192], 0, 1000),
    plain: (x) => tf.cast(tf.floor(tf.mul(rngOf(x).uniform([64, 64, 192]), 1000)), 'int32'),
    forwardOnly: true,
  },
  'random-permutation': {
    shape: [1],
    ours: (x) => rngOf(x).permutation(PERMUTED),
    // The place of each is the number of those before it.
    plain: (x) => {
      const draws = rngOf(x).uniform([PERMUTED, 1]);
      return tf.sum(tf.cast(tf.less(tf.reshape(draws, [1, PERMUTED]), draws), 'int32'), 1);
    },
    forwardOnly: true,
  },
};

/** Numbers of a permutation. */
const PERMUTED = 2048;

/** Seeded by a tensor, as in a training step: draws of one known seed would be drawn once for all repetitions. */
const rngOf = (x: tf.Tensor): Rng => Rng.from(tf.cast(tf.mul(tf.tile(x, [2]), 2 ** 20), 'int32') as tf.Tensor1D);

/** Suffix of the benchmark that does the same in plain tfjs ops, compiled too: what a kernel has to beat. */
export const COMPOSED = ':composed';

/** Names of the single-operation benchmarks, with the two that time the engine itself. */
export const opNames: readonly string[] = ['scalar-op', 'captured-700', ...Object.keys(OPS), ...updateNames];

/** Forward: the op; step: the op and its gradient. Compiled runs do CHAIN independent ones in one call. */
export function opCase(spec: BenchSpec): BenchCase {
  if (spec.name === 'scalar-op') return scalarOp();
  if (spec.name === 'captured-700') return capturedCall();
  const composed = spec.name.endsWith(COMPOSED);
  const update = updateCase(spec, composed);
  if (update !== null) return update;
  const bench = OPS[composed ? spec.name.slice(0, -COMPOSED.length) : spec.name];
  if (bench === undefined)
    throw new Error(`bench: no benchmark '${spec.name}'; there are block-64, block-192, ${opNames.join(', ')}`);
  const rng = Rng.of(1);
  let draws = 0;
  const draw = (shape: readonly number[]): tf.Tensor => rng.split(draws++).normal([...shape]);
  const fn = composed ? bench.plain : bench.ours;
  const weights = (bench.weights ?? []).map(draw);
  const inputs = Array.from({ length: CHAIN }, () => draw(bench.shape));
  const forward = (x: tf.Tensor, w: tf.Tensor[]): tf.Tensor[] => [fn(x, w)];
  const step = (x: tf.Tensor, w: tf.Tensor[]): tf.Tensor[] =>
    tf.grads((y: tf.Tensor, ...v: tf.Tensor[]) => tf.mean(tf.square(fn(y, v))))([x, ...w]);
  const one = spec.phase === 'forward' ? forward : step;
  const all = compile((tensors: tf.Tensor[], w: tf.Tensor[]) => tensors.map((x) => one(x, w)), {
    name: spec.name,
    precision: spec.precision,
  });
  return {
    // The step has three products for the forward pass's one if there are weights, and two if there are none.
    flops: bench.flops === undefined ? null : bench.flops * (spec.phase === 'forward' ? 1 : weights.length > 0 ? 3 : 2),
    repeats: CHAIN,
    run: async (called) => {
      const results = all(inputs, weights);
      called();
      await results[CHAIN - 1]![0]!.data();
      tf.dispose(results);
    },
  };
}

/** Phases that a benchmark has. */
export function phasesOf(name: string): BenchSpec['phase'][] {
  const timesEngine = name === 'scalar-op' || name === 'captured-700';
  if (updateNames.includes(name)) return ['step'];
  return timesEngine || OPS[name]?.forwardOnly ? ['forward'] : ['forward', 'step'];
}

/** One eager addition of two scalars, handles and book-keeping included. */
function scalarOp(): BenchCase {
  const REPEATS = 2000;
  const [a, b] = [tf.scalar(1), tf.scalar(2)];
  return {
    flops: null,
    repeats: REPEATS,
    run: async (called) => {
      called();
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
    run: async (called) => {
      for (let i = 0; i < REPEATS; i++) {
        const y = call(x);
        if (i === 0) called();
        if (i === REPEATS - 1) await y.data();
        y.dispose();
      }
    },
  };
}
