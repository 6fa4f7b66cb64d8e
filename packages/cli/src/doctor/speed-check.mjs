/**
 * Starts the engine, measures matrix products and 3x3 convolutions for about five seconds each, and prints one line of
 * JSON. Started by speed.mjs with the options that let it find the engine, built or not; with the argument `devices` it
 * measures nothing.
 */
import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';

const secondsEach = 4.5;
const { device, devices, libraryVersion, why } = await useEngine();
const onGpu = device.startsWith('gpu');
const rows = process.argv[2] === 'devices' ? [] : await measureAll();
console.log(JSON.stringify({ device, devices, libraryVersion, why, rows }));

async function measureAll() {
  const n = onGpu ? 8192 : 1024;
  const [batch, size, channels] = onGpu ? [16, 64, 512] : [2, 32, 192];
  const a = tf.fill([n, n], 0.5);
  const x = tf.fill([batch, size, size, channels], 0.5);
  const w = tf.fill([3, 3, channels, channels], 0.01);

  return [
    await measure('matmul', `${n} x ${n} x ${n}`, 2 * n ** 3, () =>
      tf.matMul(/** @type {tf.Tensor2D} */ (a), /** @type {tf.Tensor2D} */ (a)),
    ),
    await measure(
      'convolution 3x3',
      `${batch} x ${size} x ${size} x ${channels}`,
      2 * 9 * batch * size ** 2 * channels ** 2,
      () => tf.conv2d(/** @type {tf.Tensor4D} */ (x), /** @type {tf.Tensor4D} */ (w), 1, 'same'),
    ),
  ];
}

/**
 * @param {string} name
 * @param {string} shape
 * @param {number} flops of one run
 * @param {() => tf.Tensor} work
 */
async function measure(name, shape, flops, work) {
  /** Reading one element waits for the device; the whole result would measure the copy. */
  const once = async () => {
    const start = performance.now();
    const element = tf.tidy(() => tf.slice(tf.reshape(work(), [-1]), 0, 1));
    await element.data();
    element.dispose();
    return performance.now() - start;
  };
  await once();
  /** @type {number[]} */
  const times = [];
  for (const end = performance.now() + secondsEach * 1000; performance.now() < end || times.length < 3; )
    times.push(await once());
  times.sort((first, second) => first - second);
  const gflops = (/** @type {number} */ ms) => Math.round(flops / ms / 1e5) / 10;
  return {
    name,
    shape,
    gflops: gflops(times[0] ?? Number.NaN),
    medianGflops: gflops(times[times.length >> 1] ?? Number.NaN),
  };
}
