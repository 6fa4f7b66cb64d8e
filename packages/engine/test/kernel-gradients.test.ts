/** Gradients of every kernel that the engine registers of its own, against differences of the values it computes. */
import {
  attention,
  checkpoint,
  conv2d,
  geglu,
  gelu,
  groupNorm,
  layerNorm,
  Params,
  silu,
  upsampleConv2d,
  upsampleNearest2x,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compile } from '../src/index.js';
import { largestDifference, waves } from './support/kernel.js';
import { testWithoutLeaks } from './support/leak-free.js';

testWithoutLeaks();

type Fn = (...inputs: tf.Tensor[]) => tf.Tensor;

/** Five points: the error is of fourth order in the step. */
const STEP = 2e-2;
const STENCIL = [
  [STEP, 8],
  [-STEP, -8],
  [2 * STEP, -1],
  [-2 * STEP, 1],
] as const;

/** d sum(fn · weights) / d inputs[which], element by element, summed in double precision. */
function differences(fn: Fn, inputs: readonly tf.Tensor[], which: number, weights: ArrayLike<number>): number[] {
  const { shape } = inputs[which]!;
  const values = inputs[which]!.dataSync();
  return Array.from(values, (value, i) =>
    STENCIL.reduce((sum, [shift, factor]) => {
      const moved = Float32Array.from(values);
      moved[i] = value + shift;
      const y = tf.tidy(() => fn(...inputs.map((x, j) => (j === which ? tf.tensor(moved, shape) : x))).dataSync());
      let weighted = 0;
      for (let k = 0; k < y.length; k++) weighted += y[k]! * weights[k]!;
      return sum + (factor * weighted) / (12 * STEP);
    }, 0),
  );
}

const indices = () => tf.tensor1d([2, 0, 2], 'int32');
const t1 = (x: tf.Tensor | undefined) => x as tf.Tensor1D;
const t3 = (x: tf.Tensor | undefined) => x as tf.Tensor3D;
const t4 = (x: tf.Tensor | undefined) => x as tf.Tensor4D;

/** What it exercises, shapes of the inputs, function. */
const CASES: readonly (readonly [string, readonly number[][], Fn])[] = [
  ['GroupNorm', [[2, 2, 2, 4], [4], [4]], (x, s, o) => groupNorm(x!, t1(s), t1(o), { groups: 2 })],
  [
    'GroupNorm with SiLU',
    [[2, 2, 2, 4], [4], [4]],
    (x, s, o) => groupNorm(x!, t1(s), t1(o), { groups: 2, activation: 'silu' }),
  ],
  ['LayerNorm', [[3, 5], [5], [5]], (x, s, o) => layerNorm(x!, t1(s), t1(o))],
  [
    'Attention',
    [
      [2, 3, 4],
      [2, 4, 4],
      [2, 4, 2],
    ],
    (q, k, v) => attention(t3(q), t3(k), t3(v), { heads: 2, scale: 0.7 }),
  ],
  ['Gelu', [[3, 4]], (x) => gelu(x!)],
  ['Geglu', [[3, 6]], (x) => geglu(x!)],
  ['Silu', [[3, 4]], (x) => silu(x!)],
  ['UpsampleNearest2x', [[1, 2, 3, 2]], (x) => upsampleNearest2x(t4(x))],
  [
    'UpsampleConv2D',
    [
      [1, 2, 3, 2],
      [3, 3, 2, 2],
    ],
    (x, w) => upsampleConv2d(t4(x), t4(w)),
  ],
  [
    'Conv2DBackpropInput and -Filter, same',
    [
      [1, 4, 3, 2],
      [3, 3, 2, 2],
    ],
    (x, w) => tf.conv2d(t4(x), t4(w), 1, 'same'),
  ],
  [
    'Conv2DBackpropInput and -Filter, explicit padding, stride 2',
    [
      [1, 4, 5, 2],
      [3, 3, 2, 2],
    ],
    (x, w) =>
      conv2d(t4(x), t4(w), {
        stride: 2,
        pad: [
          [0, 1],
          [1, 1],
        ],
      }),
  ],
  [
    'BatchMatMul as MatMul',
    [
      [3, 4],
      [4, 2],
    ],
    (a, b) => tf.matMul(a!, b!),
  ],
  [
    'BatchMatMul as MatMul, transposed',
    [
      [4, 3],
      [2, 4],
    ],
    (a, b) => tf.matMul(a!, b!, true, true),
  ],
  ['Add as BiasAdd', [[2, 3], [3]], (x, bias) => tf.square(tf.add(x!, bias!))],
  ['Mean', [[2, 3, 2]], (x) => tf.square(tf.mean(x!, [0, 2]))],
  ['GatherV2', [[3, 2]], (x) => tf.square(tf.gather(x!, indices()))],
  [
    'RecomputeBarrier',
    [
      [2, 3],
      [3, 3],
    ],
    (x, w) =>
      checkpoint(
        (p, h) => tf.tanh(tf.matMul(h as tf.Tensor2D, p.get('w') as tf.Tensor2D)),
        new Params([['w', w!]]),
        x!,
      ),
  ],
];

describe.each(CASES)('%s', (_, shapes, fn) => {
  const prepare = () => {
    const inputs = shapes.map((shape, i) => waves([...shape], i));
    const weights = waves(fn(...inputs).shape, 9);
    const wanted = inputs.map((_, which) => differences(fn, inputs, which, weights.dataSync()));
    return { inputs, weights, wanted };
  };
  const gradients =
    (weights: tf.Tensor): ((...inputs: tf.Tensor[]) => tf.Tensor[]) =>
    (...inputs) =>
      tf.grads((...xs: tf.Tensor[]) => tf.sum(tf.mul(fn(...xs), weights)) as tf.Scalar)(inputs);

  it('has the gradients that differences give, at once and compiled', () => {
    const { inputs, weights, wanted } = prepare();
    for (const run of [gradients(weights), compile(gradients(weights))]) {
      const grads = run(...inputs);
      grads.forEach((grad, i) => {
        expect(grad.shape).toEqual(inputs[i]!.shape);
        expect(largestDifference(grad, wanted[i]!)).toBeLessThan(1e-3);
      });
      // A gradient of nothing but zeros would agree with a function that ignores its input.
      expect(grads.every((grad) => tf.max(tf.abs(grad)).dataSync()[0]! > 1e-3)).toBe(true);
    }
  });
});
