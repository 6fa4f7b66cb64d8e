import { cpus } from 'node:os';
import { compile, type EngineInfo } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { type DeviceSpeed, type Rate, rateOf, type Sample } from './device-speed.js';
import { ARITHMETIC, type WorkKind } from './op-work.js';

/** Operations in one compiled chain: so many that the call itself does not count. */
const LINKS = 8;
/** How much longer the longer of two chains is, of which the difference counts. */
const MORE = 2;
/** Columns of the matrices at a chain's ends: so few that their products take little. */
const NARROW = 8;
/** Seconds for each measurement, after the first call. */
const SECONDS = 0.35;

/** A chain of equal operations: the work of one, and how often a run does it. */
interface Chain {
  readonly units: number;
  readonly links?: number;
  run(): tf.Tensor;
  /**
   * The same, so many times as long, between two products that mixed precision computes in half: alone, it would leave the
   * chain in float32. The products are the same whatever the length.
   */
  between?(times: number): tf.Tensor;
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
    // Bytes of a chain are counted in float32.
    const share = ARITHMETIC.has(kind) || precision === 'float32' ? 1 : 1 / 2;
    const sampled = async (chain: Chain): Promise<Sample> => {
      const { units, seconds } = await timed(chain, precision);
      return { units: share * units, seconds };
    };
    rates[kind] = rateOf(await sampled(small()), await sampled(large()));
    tf.engine().endScope();
  }
  tf.engine().startScope();
  const { seconds: secondsPerOperation } = await timed(tiny(), precision);
  tf.engine().endScope();
  const measured = new Date().toISOString();
  const found = { secondsPerOperation, rates: rates as DeviceSpeed['rates'] };
  return { version: 2, device: deviceName(device), threads, branches, precision, measured, ...found };
}

/** What a device is called where its speed is kept. */
export const deviceName = (device: string): string =>
  device.startsWith('gpu') ? device : (cpus()[0]?.model.replace(/\s+/g, ' ').trim() ?? 'processor');

/** Best time of one operation of a chain. */
async function timed(
  { units, links = LINKS, run, between }: Chain,
  precision: DeviceSpeed['precision'],
): Promise<Sample> {
  if (between === undefined || precision === 'float32') return { units, seconds: (await best(run, precision)) / links };
  const short = await best(() => between(1), precision);
  const long = await best(() => between(1 + MORE), precision);
  return { units, seconds: Math.max(long - short, 0) / (MORE * links) };
}

/** Best time of a function's call. */
async function best(run: () => tf.Tensor, precision: DeviceSpeed['precision']): Promise<number> {
  const compiled = compile(run, { name: 'speed', precision });
  const once = async (): Promise<number> => {
    const start = performance.now();
    const result = compiled();
    await result.data();
    result.dispose();
    return (performance.now() - start) / 1000;
  };
  await once();
  let least = Number.POSITIVE_INFINITY;
  for (let spent = 0, runs = 0; spent < SECONDS || runs < 3; runs++) {
    const seconds = await once();
    least = Math.min(least, seconds);
    spent += seconds;
  }
  compiled.dispose();
  return least;
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
  const products = (heads: number, N: number, d: number, unit: 'flops' | 'bytes') => (): Chain => {
    const [q, k] = [filled(heads, N, d) as tf.Tensor3D, filled(heads, N, d) as tf.Tensor3D];
    // Logits, and the mix of what they weigh: two products a link.
    const run = (): tf.Tensor => tf.sum(repeat(q, (h) => tf.matMul(tf.matMul(h as tf.Tensor3D, k, false, true), k)));
    const work = { flops: 2 * heads * N * N * d, bytes: 4 * heads * N * (N + 2 * d) };
    return { units: work[unit], links: 2 * LINKS, run };
  };
  const elements =
    (count: number, step: (h: tf.Tensor, other: tf.Tensor, i: number) => tf.Tensor, values: number) => (): Chain => {
      const [x, other] = [filled(count / 512, 512), filled(count / 512, 512)];
      const [a, b] = [filled(count / 512, NARROW) as tf.Tensor2D, filled(count / 512, NARROW) as tf.Tensor2D];
      const [wide, narrow] = [filled(NARROW, 512) as tf.Tensor2D, filled(512, NARROW) as tf.Tensor2D];
      return {
        units: 4 * values * count,
        run: () => tf.sum(repeat(x, (h, i) => step(h, other, i))),
        between: (times) => {
          const other = tf.matMul(b, wide);
          const y = repeat(tf.matMul(a, wide), (h, i) => step(h, other, i), times);
          return tf.sum(tf.matMul(y as tf.Tensor2D, narrow));
        },
      };
    };
  const turned = (side: number) => (): Chain => {
    const x = filled(side, side, side);
    const a = filled(side * side, NARROW) as tf.Tensor2D;
    const [wide, narrow] = [filled(NARROW, side) as tf.Tensor2D, filled(side, NARROW) as tf.Tensor2D];
    // No two of these cancel each other, so none is left out.
    const turn = (h: tf.Tensor): tf.Tensor => tf.transpose(h, [1, 2, 0]);
    return {
      units: 8 * side ** 3,
      run: () => tf.sum(repeat(x, turn)),
      between: (times) => {
        const y = repeat(tf.reshape(tf.matMul(a, wide), [side, side, side]), turn, times);
        return tf.sum(tf.matMul(tf.reshape(y, [side * side, side]) as tf.Tensor2D, narrow));
      },
    };
  };
  const [small, large] = [2 ** 16, 2 ** 22 * scale];
  // In turn, or a chain of sums would be made one.
  const sum = (h: tf.Tensor, other: tf.Tensor, i: number): tf.Tensor => (i % 2 ? tf.mul(h, other) : tf.add(h, other));
  const silu = (h: tf.Tensor): tf.Tensor => tf.mul(h, tf.sigmoid(h));
  const softmax = (h: tf.Tensor): tf.Tensor => tf.softmax(h);
  return {
    convolution: [convolution(16, 64, 'y'), convolution(64, 192 * scale, 'y')],
    'input-gradient': [convolution(16, 64, 'dx'), convolution(64, 192 * scale, 'dx')],
    'filter-gradient': [convolution(16, 64, 'dw'), convolution(64, 192 * scale, 'dw')],
    matmul: [product(128), product(1024 * scale)],
    product: [products(8, 64, 16, 'flops'), products(32, 1024, 24, 'flops')],
    // As many heads at once as attention takes in a block.
    'narrow-product': [products(4, 64, 2, 'bytes'), products(4, 1024, 2, 'bytes')],
    elementwise: [elements(small, sum, 3), elements(large, sum, 3)],
    function: [elements(small, tf.sigmoid, 2), elements(large, tf.sigmoid, 2)],
    silu: [elements(small, silu, 2), elements(large, silu, 2)],
    softmax: [elements(small, softmax, 2), elements(large, softmax, 2)],
    move: [turned(32), turned(128)],
  };
}

function repeat(x: tf.Tensor, step: (h: tf.Tensor, i: number) => tf.Tensor, times = 1): tf.Tensor {
  let h = x;
  for (let i = 0; i < times * LINKS; i++) h = step(h, i);
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
