import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { gelu, silu } from './activations.js';
import { attention } from './attention.js';
import { hasKernel } from './kernel.js';
import { groupNorm, layerNorm } from './norm.js';
import { upsampleNearest2x } from './upsample.js';

beforeAll(useCpu);

const registered: string[] = [];

/** Register a kernel for this test and note how it is called. */
function register(kernelName: string, compute: (inputs: Record<string, tf.Tensor>, attrs: object) => tf.Tensor[]) {
  const calls: { inputs: string[]; attrs: object }[] = [];
  tf.registerKernel({
    kernelName,
    backendName: 'cpu',
    kernelFunc: ({ inputs, attrs }) => {
      calls.push({ inputs: Object.keys(inputs), attrs: attrs ?? {} });
      return compute(inputs as Record<string, tf.Tensor>, attrs ?? {});
    },
  });
  registered.push(kernelName);
  return calls;
}

afterEach(() => {
  for (const name of registered.splice(0)) tf.unregisterKernel(name, 'cpu');
});

describe('an op on a backend with its kernels', () => {
  it('runs the kernel forward and the gradient kernel backward', () => {
    const forward = register('Silu', ({ x }) => [tf.mul(x!, 100)]);
    const backward = register('SiluGrad', ({ dy, x }) => [tf.add(tf.mul(dy!, 7), x!)]);
    expect(hasKernel('Silu')).toBe(true);
    const x = tf.tensor1d([1, 2]);
    expectClose(silu(x), [100, 200], 0);
    expectClose(tf.grad((a) => tf.sum(silu(a)))(x), [8, 9], 0);
    expect(forward).toEqual(new Array(2).fill({ inputs: ['x'], attrs: {} }));
    expect(backward).toEqual([{ inputs: ['dy', 'x'], attrs: {} }]);
  });

  it('takes the composed gradient where only the forward kernel exists, and the other way round', () => {
    const x = randn<tf.Rank.R1>([5], 1);
    const [y, dx] = [gelu(x), tf.grad((a) => tf.sum(gelu(a)))(x)];
    const forward = register('Gelu', () => [tf.clone(y)]);
    expectClose(tf.grad((a) => tf.sum(gelu(a)))(x), dx, 0);
    expect(forward.length).toBe(1);
    tf.unregisterKernel('Gelu', 'cpu');
    registered.pop();
    register('GeluGrad', ({ dy }) => [tf.mul(dy!, 3)]);
    expectClose(tf.grad((a) => tf.sum(gelu(a)))(x), [3, 3, 3, 3, 3], 0);
  });

  it('gets the names and attributes of the contract', () => {
    const [x, scale, offset] = [randn([1, 2, 4], 1), tf.ones<tf.Rank.R1>([4]), tf.zeros<tf.Rank.R1>([4])];
    const all = ({ x, scale, offset }: Record<string, tf.Tensor>) => [
      tf.clone(x!),
      tf.clone(scale!),
      tf.clone(offset!),
    ];
    const norm = register('GroupNorm', ({ x }) => [tf.clone(x!)]);
    const normGrad = register('GroupNormGrad', all);
    const layer = register('LayerNorm', ({ x }) => [tf.clone(x!)]);
    const layerGrad = register('LayerNormGrad', all);
    tf.grads((a, b, c) =>
      tf.sum(
        layerNorm(
          groupNorm(a, b as tf.Tensor1D, c as tf.Tensor1D, { groups: 2, activation: 'silu' }),
          b as tf.Tensor1D,
          c as tf.Tensor1D,
        ),
      ),
    )([x, scale, offset]);
    const attrs = { groups: 2, epsilon: 1e-5, activation: 'silu' };
    expect(norm).toEqual([{ inputs: ['x', 'scale', 'offset'], attrs }]);
    expect(normGrad).toEqual([{ inputs: ['dy', 'x', 'scale', 'offset'], attrs }]);
    expect(layer).toEqual([{ inputs: ['x', 'scale', 'offset'], attrs: { epsilon: 1e-5 } }]);
    expect(layerGrad).toEqual([{ inputs: ['dy', 'x', 'scale', 'offset'], attrs: { epsilon: 1e-5 } }]);

    const q = randn<tf.Rank.R3>([1, 3, 4], 1);
    const attend = register('Attention', ({ q }) => [tf.clone(q!)]);
    const attendGrad = register('AttentionGrad', ({ q, k, v }) => [tf.clone(q!), tf.clone(k!), tf.clone(v!)]);
    tf.grads((a, b, c) =>
      tf.sum(attention(a as tf.Tensor3D, b as tf.Tensor3D, c as tf.Tensor3D, { heads: 2, scale: 0.5 })),
    )([q, q.clone(), q.clone()]);
    expect(attend).toEqual([{ inputs: ['q', 'k', 'v'], attrs: { heads: 2, scale: 0.5 } }]);
    expect(attendGrad).toEqual([{ inputs: ['dy', 'q', 'k', 'v', 'y'], attrs: { heads: 2, scale: 0.5 } }]);

    const up = register('UpsampleNearest2x', () => [tf.zeros([1, 4, 4, 1])]);
    const upGrad = register('UpsampleNearest2xGrad', () => [tf.zeros([1, 2, 2, 1])]);
    tf.grad((a) => tf.sum(upsampleNearest2x(a as tf.Tensor4D)))(randn([1, 2, 2, 1], 1));
    expect(up).toEqual([{ inputs: ['x'], attrs: {} }]);
    expect(upGrad).toEqual([{ inputs: ['dy'], attrs: {} }]);
  });

  it('leaks nothing', () => {
    const x = tf.tensor1d([1, 2]);
    register('Silu', ({ x }) => [tf.mul(x!, 2)]);
    expectNoLeak(() => silu(x));
    expectNoLeak(() => tf.grad((a) => tf.sum(silu(a)))(x));
  });
});
