import { cpus } from 'node:os';
import { compile, type EngineInfo } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { type DeviceSpeed, type Rate, rateOf, type Sample } from './device-speed.js';
import type { WorkKind } from './op-work.js';

/** Operations in one compiled chain: so many that the call itself does not count. */
const LINKS = 8;
/** Seconds for each measurement, after the first call. */
const SECONDS = 0.35;

/** A chain of equal operations: the work of one, and how often a run does it. */
interface Chain {
  readonly units: number;
  readonly links?: number;
  run(): tf.Tensor;
}

type Makers = Readonly<Record<WorkKind, readonly [small: () => Chain, large: () => Chain]>>;

/**
 * Measure what the device does of each kind of work, small and large, one operation after the other: about ten seconds. Where
 * branches have a thread each, an operation has one.
 */
export async function measureSpeed(
  { device, threads, branches }: Pick<EngineInfo, 'device' | 'threads' | 'branches'>,
  precision: DeviceSpeed['precision'],
): Promise<DeviceSpeed> {
  const scale = device.startsWith('gpu') ? 4 : 1;
  const rates: Partial<Record<WorkKind, Rate>> = {};
  for (const [kind, [small, large]] of Object.entries(makersOf(scale)) as [WorkKind, Makers[WorkKind]][]) {
    tf.engine().startScope();
    rates[kind] = rateOf(await timed(small(), precision), await timed(large(), precision));
    tf.engine().endScope();
  }
  tf.engine().startScope();
  const { seconds: secondsPerOperation } = await timed(tiny(), precision);
  tf.engine().endScope();
  const measured = new Date().toISOString();
  const found = { secondsPerOperation, rates: rates as DeviceSpeed['rates'] };
  return { device: deviceName(device), threads, branches, precision, measured, ...found };
}

/** What a device is called where its speed is kept. */
export const deviceName = (device: string): string =>
  device.startsWith('gpu') ? device : (cpus()[0]?.model.replace(/\s+/g, ' ').trim() ?? 'processor');

/** Best time of one operation of a chain. */
async function timed({ units, links = LINKS, run }: Chain, precision: DeviceSpeed['precision']): Promise<Sample> {
  const compiled = compile(run, { name: 'speed', precision });
  const once = async (): Promise<number> => {
    const start = performance.now();
    const result = compiled();
    await result.data();
    result.dispose();
    return (performance.now() - start) / 1000;
  };
  await once();
  let best = Number.POSITIVE_INFINITY;
  for (let spent = 0, runs = 0; spent < SECONDS || runs < 3; runs++) {
    const seconds = await once();
    best = Math.min(best, seconds);
    spent += seconds;
  }
  compiled.dispose();
  return { units, seconds: best / links };
}

/** So many operations on next to nothing that they are all that a call does. */
function tiny(): Chain {
  const links = 512;
  const x = tf.fill([16, 16], 0.01);
  const run = (): tf.Tensor => {
    let h: tf.Tensor = x;
    for (let i = 0; i < links; i++) h = i % 2 ? tf.mul(h, x) : tf.add(h, x);
    return tf.sum(h);
  };
  return { units: 1, links, run };
}

/** Sizes as the models have them. @param scale of the larger dimensions */
function makersOf(scale: number): Makers {
  const filled = (...shape: number[]): tf.Tensor => tf.fill(shape, 0.01);
  const convolution = (side: number, C: number, part: 'y' | 'dx' | 'dw') => (): Chain => {
    const [x, w] = [filled(1, side, side, C) as tf.Tensor4D, filled(3, 3, C, C) as tf.Tensor4D];
    const chain = (h: tf.Tensor4D): tf.Tensor4D => {
      for (let i = 0; i < LINKS; i++)
        h = part === 'dx' ? tf.conv2dTranspose(h, w, h.shape, 1, 'same') : tf.conv2d(h, w, 1, 'same');
      return h;
    };
    return {
      units: 18 * side * side * C * C,
      run: () => (part === 'dw' ? filterGradients(x, w) : tf.sum(chain(x))),
    };
  };
  const product = (n: number) => (): Chain => {
    const a = filled(n, n) as tf.Tensor2D;
    return { units: 2 * n ** 3, run: () => tf.sum(repeat(a, (h) => tf.matMul(h as tf.Tensor2D, a))) };
  };
  const products = (heads: number, N: number, d: number) => (): Chain => {
    const [q, k] = [filled(heads, N, d) as tf.Tensor3D, filled(heads, N, d) as tf.Tensor3D];
    // Logits, and the mix of what they weigh: two products a link.
    const run = (): tf.Tensor => tf.sum(repeat(q, (h) => tf.matMul(tf.matMul(h as tf.Tensor3D, k, false, true), k)));
    return { units: 2 * heads * N * N * d, links: 2 * LINKS, run };
  };
  const elements =
    (count: number, step: (h: tf.Tensor, other: tf.Tensor, i: number) => tf.Tensor, values: number) => (): Chain => {
      const [x, other] = [filled(count / 512, 512), filled(count / 512, 512)];
      return { units: 4 * values * count, run: () => tf.sum(repeat(x, (h, i) => step(h, other, i))) };
    };
  const turned = (side: number) => (): Chain => {
    const x = filled(side, side, side);
    // No two of these cancel each other, so none is left out.
    return { units: 8 * side ** 3, run: () => tf.sum(repeat(x, (h) => tf.transpose(h, [1, 2, 0]))) };
  };
  const [small, large] = [2 ** 16, 2 ** 22 * scale];
  // In turn, or a chain of sums would be made one.
  const sum = (h: tf.Tensor, other: tf.Tensor, i: number): tf.Tensor => (i % 2 ? tf.mul(h, other) : tf.add(h, other));
  const silu = (h: tf.Tensor): tf.Tensor => tf.mul(h, tf.sigmoid(h));
  return {
    convolution: [convolution(16, 64, 'y'), convolution(64, 192 * scale, 'y')],
    'input-gradient': [convolution(16, 64, 'dx'), convolution(64, 192 * scale, 'dx')],
    'filter-gradient': [convolution(16, 64, 'dw'), convolution(64, 192 * scale, 'dw')],
    matmul: [product(128), product(1024 * scale)],
    product: [products(8, 64, 16), products(32, 1024, 24)],
    elementwise: [elements(small, sum, 3), elements(large, sum, 3)],
    function: [elements(small, tf.sigmoid, 2), elements(large, tf.sigmoid, 2)],
    silu: [elements(small, silu, 2), elements(large, silu, 2)],
    move: [turned(32), turned(128)],
  };
}

function repeat(x: tf.Tensor, step: (h: tf.Tensor, i: number) => tf.Tensor): tf.Tensor {
  let h = x;
  for (let i = 0; i < LINKS; i++) h = step(h, i);
  return h;
}

/** Gradients of a filter, each of another image, so that none is the other. */
function filterGradients(x: tf.Tensor4D, w: tf.Tensor4D): tf.Tensor {
  const one = (i: number): tf.Tensor =>
    tf.engine().runKernel(
      tf.Conv2DBackpropFilter,
      { x, dy: tf.add(x, i) },
      {
        strides: 1,
        pad: 'same',
        dataFormat: 'NHWC',
        filterShape: w.shape,
      },
    ) as tf.Tensor;
  return tf.addN(Array.from({ length: LINKS }, (_, i) => one(i)));
}
