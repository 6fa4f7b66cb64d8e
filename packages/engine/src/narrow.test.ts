import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { waves } from '../test/support/kernel.js';
import { testWithoutLeaks } from '../test/support/leak-free.js';
import { compile } from './compile/index.js';
import { currentEngine } from './engine.js';
import { narrow } from './narrow.js';

testWithoutLeaks();

/** To the nearest bfloat16, ties to even. */
function rounded(values: Float32Array): Float32Array {
  const bits = new Uint32Array(Float32Array.from(values).buffer);
  return new Float32Array(bits.map((b) => ((b + 0x7fff + ((b >>> 16) & 1)) >>> 16) << 16).buffer);
}
const data = async (x: tf.Tensor) => (await x.data()) as Float32Array;

describe('narrow', () => {
  it('is float32 of rounded values to whoever reads or uses it', async () => {
    const x = waves([5, 7]) as tf.Tensor2D;
    const y = narrow(x, 'bfloat16');
    const wanted = rounded(await data(x));
    expect([y.dtype, y.shape]).toEqual(['float32', [5, 7]]);
    expect(await data(y)).toEqual(wanted);
    expect(y.dataSync()).toEqual(wanted);
    expect(await data(tf.add(y, 1))).toEqual(wanted.map((v) => v + 1));
    expect(await data(y.reshape([35]).slice([3], [2]))).toEqual(wanted.slice(3, 5));
    expect(await data(x)).not.toEqual(wanted);
  });

  it('takes half the memory', async () => {
    const x = waves([16, 16]);
    const { binding, backend } = currentEngine();
    const slot = binding.slots.get(backend.idOf(narrow(x, 'float16')));
    expect(slot.kind === 'eager' && binding.runtime.native.TFE_TensorHandleDataType!(slot.handle)).toBe(19);
  });

  it('goes into a compiled function as argument, capture and variable, beside tensors of its type', async () => {
    const [w, x] = [waves([4, 4]) as tf.Tensor2D, waves([3, 4], 1) as tf.Tensor2D];
    const half = narrow(w, 'bfloat16');
    const wide = tf.tensor2d(rounded(await data(w)), [4, 4]);
    const product = compile((x: tf.Tensor2D, w: tf.Tensor2D) => tf.matMul(x, w));
    const wanted = await data(tf.matMul(x, wide));
    expect(await data(product(x, half))).toEqual(wanted);
    expect(await data(product(x, wide))).toEqual(wanted);
    expect(await data(product(x, half))).toEqual(wanted);
    expect(product.traces).toBe(2);

    const captured = compile((x: tf.Tensor2D) => tf.matMul(x, half));
    for (let i = 0; i < 3; i++) expect(await data(captured(x))).toEqual(wanted);

    const variable = tf.variable(wide);
    const followed = compile((x: tf.Tensor2D) => tf.matMul(x, variable as tf.Tensor2D));
    expect(await data(followed(x))).toEqual(wanted);
    variable.assign(narrow(tf.mul(w, 2) as tf.Tensor2D, 'bfloat16'));
    for (let i = 0; i < 2; i++) expect(await data(followed(x))).toEqual(wanted.map((v) => 2 * v));
    for (const f of [product, captured, followed]) f.dispose();
    variable.dispose();
  });

  it('is no different from the cast that a function of that precision would make', async () => {
    const [w, x] = [waves([64, 64]) as tf.Tensor2D, waves([8, 64], 1) as tf.Tensor2D];
    const product = compile((x: tf.Tensor2D, w: tf.Tensor2D) => tf.matMul(x, w), { precision: 'bfloat16' });
    expect(await data(product(x, narrow(w, 'bfloat16')))).toEqual(await data(product(x, w)));
    product.dispose();
  });

  it('has gradients, and can become the state of a step, in float32', async () => {
    const w = narrow(waves([4]) as tf.Tensor1D, 'bfloat16');
    const values = await data(w);
    expect(await data(tf.grad((w: tf.Tensor) => tf.sum(tf.square(w)))(w))).toEqual(values.map((v) => 2 * v));
    const step = compile((state: tf.Tensor) => tf.add(state, 2 ** -12), { state: 0 });
    expect(await data(step(step(w)))).toEqual(values.map((v) => Math.fround(v + 2 ** -11)));
    step.dispose();
  });

  it('says what cannot be narrowed', () => {
    expect(() => narrow(tf.tensor1d([1], 'int32'), 'bfloat16')).toThrow('the tensor [1] is int32; float32 is wanted');
    const f = compile((x: tf.Tensor) => narrow(x, 'bfloat16'));
    expect(() => f(tf.scalar(1))).toThrow('narrow its weights outside, once');
  });
});
