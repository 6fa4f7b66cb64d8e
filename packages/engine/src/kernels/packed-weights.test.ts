import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it, vi } from 'vitest';
import { runKernel, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { compile } from '../compile/index.js';
import { currentEngine } from '../engine.js';
import { narrow } from '../narrow.js';
import { packsWeights } from './packed-weights.js';

testWithoutLeaks();

const data = async (x: tf.Tensor) => (await x.data()) as Float32Array;
/** Operations that a call asked TensorFlow for. */
async function operationsOf(call: () => Promise<unknown>): Promise<string[]> {
  const spy = vi.spyOn(currentEngine().backend, 'executeSingleOutput');
  try {
    await call();
    return spy.mock.calls.map(([name]) => name);
  } finally {
    spy.mockRestore();
  }
}
const far = (a: Float32Array, b: Float32Array): number => {
  const most = Math.max(...b.map(Math.abs));
  return Math.max(...a.map((value, i) => Math.abs(value - b[i]!))) / most;
};

type Layer = (x: tf.Tensor, w: tf.Tensor, bias: tf.Tensor1D) => tf.Tensor;
const linear: Layer = (x, w) => tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, true);
const convolved: Layer = (x, w) => tf.conv2d(x as tf.Tensor4D, w as tf.Tensor4D, 1, 'same');
const LAYERS: readonly [string, Layer, number[], number[], string][] = [
  ['product', linear, [6, 32], [16, 32], '_MklNativeFusedMatMul'],
  ['product with a bias', (x, w, b) => tf.add(linear(x, w, b), b), [6, 32], [16, 32], '_MklNativeFusedMatMul'],
  ['convolution', convolved, [1, 8, 8, 32], [3, 3, 32, 16], '_MklNativeConv2D'],
  [
    'convolution with a bias',
    (x, w, b) => tf.add(convolved(x, w, b), b),
    [1, 8, 8, 32],
    [3, 3, 32, 16],
    '_MklNativeFusedConv2D',
  ],
  [
    'convolution of an enlarged image with a bias',
    (x, w, b) => tf.tidy(() => tf.add(runKernel('UpsampleConv2D', { x, filter: w })[0]!, b)),
    [1, 4, 4, 32],
    [3, 3, 32, 16],
    '_MklNativeFusedConv2D',
  ],
];

const biasedLinear: Layer = (x, w, b) => tf.add(linear(x, w, b), b);
const biasedConvolution: Layer = (x, w, b) => tf.add(convolved(x, w, b), b);
/** Layers with what is computed with them: another tensor added (their own input, of the same shape), or GELU. */
const FUSED: readonly [string, Layer, number[], number[], string, string][] = [
  ['product, added', (x, w, b) => tf.add(x, biasedLinear(x, w, b)), [6, 16], [16, 16], '_MklNativeFusedMatMul', 'Add'],
  [
    'product, added to',
    (x, w, b) => tf.add(biasedLinear(x, w, b), x),
    [6, 16],
    [16, 16],
    '_MklNativeFusedMatMul',
    'Add',
  ],
  [
    'product of another rank, added',
    (x, w, b) => tf.add(x, tf.reshape(biasedLinear(tf.reshape(x, [6, 16]), w, b), [2, 3, 16])),
    [2, 3, 16],
    [16, 16],
    '_MklNativeFusedMatMul',
    'Add',
  ],
  [
    'convolution, added to one that others read',
    (x, w, b) => {
      const first = biasedConvolution(x, w, b);
      return tf.add(first, biasedConvolution(tf.relu(first), w, b));
    },
    [1, 8, 8, 16],
    [3, 3, 16, 16],
    '_MklNativeFusedConv2D',
    'Add',
  ],
  [
    'product, GELU',
    (x, w, b) => runKernel('Gelu', { x: biasedLinear(x, w, b) })[0]!,
    [6, 16],
    [16, 16],
    '_MklNativeFusedMatMul',
    'Erf',
  ],
  [
    'product, gated by GELU',
    (x, w, b) => runKernel('Geglu', { x: biasedLinear(x, w, b) })[0]!,
    [6, 32],
    [16, 32],
    '_MklNativeFusedMatMul',
    'Erf',
  ],
];

describe('packed weights', () => {
  it.each(FUSED)('%s: computed at once, as accurately as apart', async (_, layer, xShape, wShape, op, left) => {
    const [x, bias, w] = [waves(xShape), waves([16], 1) as tf.Tensor1D, narrow(waves(wShape, 2), 'bfloat16')];
    const packed = compile(layer, { precision: 'bfloat16' });
    const wide = compile(layer);
    const exact = tf.add(w, 0);
    const wanted = await data(wide(x, exact, bias));
    let first: Float32Array | undefined;
    const operations = await operationsOf(async () => (first = await data(packed(x, w, bias))));
    expect(operations).toContain(op);
    expect(operations).not.toContain(left);
    expect(far(first!, wanted)).toBeLessThan(0.01);
    expect(await data(packed(x, w, bias))).toEqual(first);
    packed.dispose();
    wide.dispose();
  });

  it('add what is not of the same shape, or the same tensor, apart', async () => {
    const [x, bias, w] = [waves([6, 16]), waves([16], 1) as tf.Tensor1D, narrow(waves([16, 16], 2), 'bfloat16')];
    const layers: Layer[] = [
      (x, w, b) => tf.add(biasedLinear(x, w, b), tf.slice(x, [0, 0], [1, 16])),
      (x, w, b) => tf.tidy(() => tf.add(biasedLinear(x, w, b), 1)),
      (x, w, b) => {
        const y = biasedLinear(x, w, b);
        return tf.add(y, y);
      },
    ];
    for (const layer of layers) {
      const [packed, wide] = [compile(layer, { precision: 'bfloat16' }), compile(layer)];
      const wanted = await data(wide(x, tf.add(w, 0), bias));
      expect(far(await data(packed(x, w, bias)), wanted)).toBeLessThan(0.01);
      packed.dispose();
      wide.dispose();
    }
  });

  it.each(LAYERS)('%s: the values of one that packs nothing, at every call', async (_, layer, xShape, wShape, op) => {
    const [x, bias, w] = [waves(xShape), waves([16], 1) as tf.Tensor1D, narrow(waves(wShape, 2), 'bfloat16')];
    const packed = compile(layer, { precision: 'bfloat16' });
    const plain = compile((x: tf.Tensor, bias: tf.Tensor1D) => layer(x, w, bias), { precision: 'bfloat16' });
    const wanted = await data(plain(x, bias));
    let first: Float32Array | undefined;
    expect(await operationsOf(async () => (first = await data(packed(x, w, bias))))).toContain(op);
    expect(far(first!, wanted)).toBeLessThan(0.01);
    for (let i = 0; i < 3; i++) expect(await data(packed(x, w, bias))).toEqual(first);
    const other = tf.mul(x, -1);
    expect(
      far(
        await data(packed(other, w, tf.mul(bias, -1)))!,
        wanted.map((value) => -value),
      ),
    ).toBeLessThan(0.01);
    expect(packed.traces).toBe(1);
    packed.dispose();
    plain.dispose();
  });

  it('are none of the filters that go over many pixels', async () => {
    const [x, w] = [waves([1, 64, 64, 8]) as tf.Tensor4D, narrow(waves([3, 3, 8, 8], 2), 'bfloat16') as tf.Tensor4D];
    const layer = compile((w: tf.Tensor4D) => tf.conv2d(x, w, 1, 'same'), { precision: 'bfloat16' });
    expect(await operationsOf(() => layer(w).data())).toContain('Conv2D');
    layer.dispose();
  });

  it('of another call are traced anew, and each keeps its own', async () => {
    const x = waves([4, 32]) as tf.Tensor2D;
    const [one, two] = [0, 5].map((seed) => narrow(waves([8, 32], seed), 'bfloat16') as tf.Tensor2D);
    const product = compile((w: tf.Tensor2D) => tf.matMul(x, w, false, true), { precision: 'bfloat16' });
    const [first, second] = [await data(product(one!)), await data(product(two!))];
    expect(far(first, second)).toBeGreaterThan(0.1);
    expect(await data(product(one!))).toEqual(first);
    expect(await data(product(two!))).toEqual(second);
    expect(product.traces).toBe(2);
    // The same values under another number: a kernel that kept the first ones would do, but nobody knows that they are.
    expect(await data(product(narrow(tf.mul(one!, 3), 'bfloat16')))).not.toEqual(first);
    product.dispose();
  });

  it('count as memory from the first call until the function is freed', async () => {
    const { slots } = currentEngine().binding;
    const before = slots.packedBytes;
    const [x, w] = [waves([4, 32]) as tf.Tensor2D, narrow(waves([8, 32], 3), 'bfloat16') as tf.Tensor2D];
    const product = compile((w: tf.Tensor2D) => tf.matMul(x, w, false, true), { precision: 'bfloat16' });
    for (let i = 0; i < 2; i++) {
      await product(w).data();
      expect(slots.packedBytes - before).toBe(2 * 8 * 32);
    }
    product.dispose();
    expect(slots.packedBytes).toBe(before);
  });

  it('have gradients', async () => {
    const [x, w] = [waves([4, 32]) as tf.Tensor2D, narrow(waves([8, 32], 3), 'bfloat16') as tf.Tensor2D];
    const product = compile((x: tf.Tensor2D, w: tf.Tensor2D) => tf.matMul(x, w, false, true), {
      precision: 'bfloat16',
    });
    const gradient = tf.grad((x) => tf.sum(product(x as tf.Tensor2D, w)))(x);
    expect(far(await data(gradient), await data(tf.tile(tf.sum(w, 0, true), [4, 1])))).toBeLessThan(0.02);
    product.dispose();
  });

  it('there are none in float32, under XLA, of wide weights, and where nobody wants them', async () => {
    const x = waves([4, 32]) as tf.Tensor2D;
    const w = waves([8, 32], 3) as tf.Tensor2D;
    const half = narrow(w, 'bfloat16');
    for (const [weights, precision] of [
      [half, 'float32'],
      [w, 'bfloat16'],
    ] as const) {
      const product = compile((w: tf.Tensor2D) => tf.matMul(x, w, false, true), { precision });
      expect(await operationsOf(() => product(weights).data())).toContain('MatMul');
      product.dispose();
    }
    const engine = currentEngine();
    const settings = { precision: 'bfloat16', xla: false } as const;
    expect(packsWeights(engine, settings)).toBe(true);
    expect(packsWeights(engine, { ...settings, xla: true })).toBe(false);
    expect(packsWeights({ ...engine, packWeights: false }, settings)).toBe(false);
  });
});
