/** What only a GPU can show. Skipped, with the reason, where TensorFlow lists none. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { nvidiaCards } from '../library/index.mjs';
import { currentEngine } from '../src/engine.js';
import { compile, EngineError, useEngine } from '../src/index.js';
import { jsonOf } from './support/child.js';
import { thrownBy, valuesOf } from './support/start-engine.js';

tf.enableProdMode();
// The limit is the card's; without one it would be put on this process.
const { device, devices, why } = await useEngine(nvidiaCards().length > 0 ? { memoryLimitMiB: 1024 } : {});
const gpu = device.startsWith('gpu');
const reason = gpu ? '' : ` (skipped: ${why}; the devices are ${devices.join(', ')})`;

describe.skipIf(!gpu)(`on a GPU${reason}`, () => {
  beforeAll(async () => {
    await tf.setBackend('tensorflow');
  });

  /** Where TensorFlow keeps a tensor's values. */
  const placeOf = (tensor: tf.Tensor): string => {
    const { backend, binding } = currentEngine();
    const { native, status } = binding.runtime;
    const { handle } = binding.readable(backend.idOf(tensor));
    return native.TFE_TensorHandleBackingDeviceName!(handle, status.pointer) as string;
  };
  const random = (shape: number[]) => tf.reshape(tf.sin(tf.range(0, tf.util.sizeFromShape(shape))), shape);

  it('is the device chosen unasked, and named with the reason', () => {
    expect(device).toBe('gpu:0');
    expect(why).toMatch(/first of \d+ GPU/);
    expect(devices).toContain('cpu');
  });

  it('takes uploads to the GPU, computes there, and reads back what went in', () => {
    const x = tf.tensor([1.5, -2, 3]);
    expect(placeOf(x)).toMatch(/GPU:0/);
    const y = tf.mul(x, 2);
    expect(placeOf(y)).toMatch(/GPU:0/);
    expect(valuesOf(y)).toEqual([3, -4, 6]);
  });

  it('copies between devices without a word: integers, strings and shapes stay on the CPU', () => {
    const x = random([4, 3]);
    expect(valuesOf(tf.gather(x, tf.tensor1d([2, 0], 'int32')))).toEqual([
      ...valuesOf(x).slice(6, 9),
      ...valuesOf(x).slice(0, 3),
    ]);
    expect(valuesOf(tf.argMax(x, 1))).toHaveLength(4);
    expect(valuesOf(tf.cast(tf.tensor1d([1, 2], 'int32'), 'float32'))).toEqual([1, 2]);
  });

  it('computes compiled functions on the GPU', () => {
    const x = random([64, 64]) as tf.Tensor2D;
    const y = compile((x: tf.Tensor2D) => tf.matMul(x, x))(x);
    expect(placeOf(y)).toMatch(/GPU:0/);
    const [got, wanted] = [valuesOf(y), valuesOf(tf.matMul(x, x))];
    got.forEach((value, i) => {
      expect(Math.abs(value - wanted[i]!)).toBeLessThan(1e-3);
    });
  });

  it('updates state in place on the GPU', () => {
    const step = compile((w: tf.Tensor, x: tf.Tensor) => tf.add(w, x), { state: 0 });
    expect(valuesOf(step(step(tf.tensor([1, 2]), tf.scalar(1)), tf.scalar(1)))).toEqual([3, 4]);
  });

  it('float16 is close to float32, and not the same', () => {
    const x = tf.abs(random([256, 256])) as tf.Tensor2D;
    const net = (x: tf.Tensor2D) => tf.matMul(tf.relu(tf.matMul(x, x)) as tf.Tensor2D, x);
    const half = compile(net, { precision: 'float16' })(x);
    expect(half.dtype).toBe('float32');
    const error = valuesOf(tf.div(tf.norm(tf.sub(half, net(x))), tf.norm(net(x))))[0]!;
    expect(error).toBeGreaterThan(1e-7);
    expect(error).toBeLessThan(0.02);
  });

  it('bfloat16 is refused with what to use instead', () => {
    expect(() => compile((x: tf.Tensor) => tf.neg(x), { precision: 'bfloat16' })(tf.scalar(1))).toThrow(/float16/);
  });

  it('xla compiles for the GPU', () => {
    const x = random([32, 32]) as tf.Tensor2D;
    expect(valuesOf(compile((x: tf.Tensor2D) => tf.sum(tf.tanh(tf.matMul(x, x))), { xla: true })(x))[0]).toBeCloseTo(
      valuesOf(tf.sum(tf.tanh(tf.matMul(x, x))))[0]!,
      2,
    );
  });

  it('running out of GPU memory throws, and the process goes on', () => {
    const error = thrownBy(() => tf.fill([64, 1024, 1024, 16], 1)) as EngineError;
    expect(error).toBeInstanceOf(EngineError);
    expect(error.code).toBe('resource-exhausted');
    expect(valuesOf(tf.fill([3], 2))).toEqual([2, 2, 2]);
  });

  it('takes GPU memory as needed, not all at once', async () => {
    const { usedMiB } = await jsonOf<{ usedMiB: number }>('gpu-memory');
    expect(usedMiB).toBeLessThan(4096);
  });
});
