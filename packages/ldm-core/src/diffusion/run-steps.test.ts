import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { exactDenoise } from '../../test/gaussian-data.js';
import { expectClose, randn, useCpu } from '../../test/support.js';
import { Rng } from '../nn/random.js';
import { sampleDdim } from './ddim.js';
import { type Denoise, denoiserOf } from './denoise.js';
import { sampleHeun } from './heun.js';
import { startFromImage } from './image-to-image.js';
import { type NoiseSource, replayNoise, type Shape4D, seededNoise } from './noise-source.js';
import { makeSchedule } from './schedule.js';

beforeAll(useCpu);

const schedule = makeSchedule({ linearStart: 0.0015, linearEnd: 0.0195 });
const data = { mean: 0.5, std: 0.4 };
const shape: Shape4D = [1, 2, 4, 1];

describe('a run', () => {
  it('reports each step with tensors that live only as long as the call', async () => {
    const events: [number, number, number][] = [];
    const tensors: tf.Tensor[] = [];
    await sampleDdim(exactDenoise(schedule, data), randn(shape, 1), {
      schedule,
      steps: 4,
      onStep: async ({ index, total, t, x, predX0 }) => {
        events.push([index, total, t]);
        await Promise.resolve();
        expect(x.isDisposed || predX0.isDisposed).toBe(false);
        tensors.push(x, predX0);
      },
    });
    expect(events).toEqual([
      [3, 4, 751],
      [2, 4, 501],
      [1, 4, 251],
      [0, 4, 1],
    ]);
    // The last x is the result.
    expect(tensors.map((tensor) => tensor.isDisposed)).toEqual([true, true, true, true, true, true, false, true]);
  });

  it('waits until a step is computed before it reports it and goes on, since a backend may only queue the work', async () => {
    const order: string[] = [];
    const data = vi.spyOn(tf.Tensor.prototype, 'data').mockImplementation(async function (this: tf.Tensor) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      order.push(`computed ${this.shape}`);
      return this.dataSync();
    });
    try {
      const denoise: Denoise = (x, t) => {
        order.push(`model at ${t}`);
        return tf.zerosLike(x);
      };
      const onStep = ({ index }: { index: number }) => void order.push(`step ${index}`);
      await sampleDdim(denoise, randn(shape, 1), { schedule, steps: 2, onStep });
    } finally {
      data.mockRestore();
    }
    const computed = `computed ${shape}`;
    expect(order).toEqual(['model at 501', computed, 'step 1', 'model at 1', computed, 'step 0']);
  });

  it('stops before the next model call when it is told to, and leaves nothing behind', async () => {
    const xT = randn<tf.Rank.R4>(shape, 1);
    const before = tf.memory().numTensors;
    const controller = new AbortController();
    let calls = 0;
    const counted: Denoise = (x, t, step) => {
      calls++;
      return exactDenoise(schedule, data)(x, t, step);
    };
    const onStep = ({ index }: { index: number }) => {
      if (index === 7) controller.abort(new Error('enough'));
    };
    await expect(sampleHeun(counted, xT, { schedule, steps: 10, signal: controller.signal, onStep })).rejects.toThrow(
      'enough',
    );
    expect(calls).toBe(6);
    expect(tf.memory().numTensors).toBe(before);
    await expect(sampleHeun(counted, xT, { schedule, steps: 10, signal: controller.signal })).rejects.toThrow('enough');
    expect(calls).toBe(6);
  });

  it('can be stopped by a timer although the model never waits', async () => {
    const controller = new AbortController();
    setTimeout(() => controller.abort(new Error('too late')), 5);
    const run = { schedule, steps: 1000, signal: controller.signal };
    await expect(sampleDdim(exactDenoise(schedule, data), randn(shape, 1), run)).rejects.toThrow('too late');
  });

  it('refuses an output of another shape than x', async () => {
    const before = tf.memory().numTensors;
    const xT = randn<tf.Rank.R4>(shape, 1);
    await expect(sampleDdim(() => tf.zeros([1, 1, 1, 1]), xT, { schedule, steps: 2 })).rejects.toThrow(
      "the model's output is [1,1,1,1] for x [1,2,4,1]",
    );
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it('accepts a model that returns its input', async () => {
    const x = await sampleDdim((at) => at, randn(shape, 1), { schedule, steps: 3 });
    expect(x.dataSync().every(Number.isFinite)).toBe(true);
  });
});

describe('denoiserOf', () => {
  it('samples the same from networks that predict eps, x_0 and v', async () => {
    const exact = exactDenoise(schedule, data);
    const convert =
      (output: (x: tf.Tensor4D, eps: tf.Tensor4D, signal: number, noise: number) => tf.Tensor4D): Denoise =>
      (x, t, step) =>
        output(
          x,
          exact(x, t, step) as tf.Tensor4D,
          schedule.sqrtAlphasCumprod[t]!,
          schedule.sqrtOneMinusAlphasCumprod[t]!,
        );
    const start = (x: tf.Tensor4D, eps: tf.Tensor4D, signal: number, noise: number): tf.Tensor4D =>
      tf.div(tf.sub(x, tf.mul(eps, noise)), signal);
    const networks = {
      eps: exact,
      x0: convert(start),
      v: convert((x, eps, signal, noise) => tf.sub(tf.mul(eps, signal), tf.mul(start(x, eps, signal, noise), noise))),
    };
    const run = { schedule, steps: 10 };
    const wanted = await sampleDdim(exact, randn(shape, 1), run);
    for (const kind of ['eps', 'x0', 'v'] as const) {
      const before = tf.memory().numTensors;
      const z = await sampleDdim(denoiserOf(networks[kind], kind, schedule), randn(shape, 1), run);
      expectClose(z, wanted, 1e-4);
      // xT and z
      expect(tf.memory().numTensors).toBe(before + 2);
    }
  });
});

describe('inpainting', () => {
  /** Left half known. */
  const mask = () => tf.tensor4d([1, 1, 0, 0, 1, 1, 0, 0], shape);
  const x0 = () => tf.fill<tf.Rank.R4>(shape, 3);

  it('shows the model the known region, noised to each timestep', async () => {
    const noises = Array.from({ length: 5 }, (_, i) => randn<tf.Rank.R4>(shape, 10 + i));
    let call = 0;
    const denoise: Denoise = (x, t, step) => {
      const known = tf.add(
        tf.mul(x0(), schedule.sqrtAlphasCumprod[t]!),
        tf.mul(noises[call++]!, schedule.sqrtOneMinusAlphasCumprod[t]!),
      );
      expectClose(tf.mul(x, mask()), tf.mul(known, mask()), 1e-6);
      return exactDenoise(schedule, data)(x, t, step);
    };
    const run = { schedule, steps: 5, noise: replayNoise(noises), inpaint: { mask: mask(), x0: x0() } };
    await sampleDdim(denoise, randn(shape, 1), run);
    expect(call).toBe(5);
  });

  it('keeps the known region and paints the rest', async () => {
    // A model of widely spread data has no opinion on what is there; where nothing is known it draws from the data.
    const wide = exactDenoise(schedule, { mean: 0, std: 3 });
    const z = await sampleDdim(wide, randn(shape, 1), {
      schedule,
      steps: 50,
      noise: seededNoise(Rng.of(1)),
      inpaint: { mask: mask(), x0: x0() },
    });
    const values = [...z.dataSync()];
    const known = mask().dataSync();
    const plain = (await sampleDdim(wide, randn(shape, 1), { schedule, steps: 50 })).dataSync();
    for (const [i, value] of values.entries()) {
      if (known[i] === 1) expect(Math.abs(value - 3)).toBeLessThan(0.25);
      else expect(value).toBeCloseTo(plain[i]!, 4);
    }
  });

  it('draws the noise of the known region before that of the step', async () => {
    const order: string[] = [];
    let draw = 0;
    const source: NoiseSource = {
      next: (size) => {
        order.push(`draw ${draw++}`);
        return tf.zeros(size);
      },
    };
    const denoise: Denoise = (x) => {
      order.push('model');
      return tf.zerosLike(x);
    };
    const inpaint = { mask: tf.ones<tf.Rank.R4>([1, 2, 4, 1]), x0: x0() };
    await sampleDdim(denoise, randn(shape, 1), { schedule, steps: 2, eta: 1, noise: source, inpaint });
    expect(order).toEqual(['draw 0', 'model', 'draw 1', 'draw 2', 'model', 'draw 3']);
  });

  it('refuses shapes that do not fit, and a run without noise', async () => {
    const run = { schedule, steps: 2, noise: seededNoise(Rng.of(1)) };
    const go = (inpaint: { mask: tf.Tensor4D; x0: tf.Tensor4D }) =>
      sampleDdim(exactDenoise(schedule, data), randn(shape, 1), { ...run, inpaint });
    await expect(go({ mask: tf.ones([1, 3, 4, 1]), x0: x0() })).rejects.toThrow('the mask [1,3,4,1]');
    await expect(go({ mask: mask(), x0: tf.ones([1, 2, 2, 1]) })).rejects.toThrow('x0 is [1,2,2,1]');
    const silent = { schedule, steps: 2, inpaint: { mask: mask(), x0: x0() } };
    await expect(sampleDdim(exactDenoise(schedule, data), randn(shape, 1), silent)).rejects.toThrow(
      'inpainting needs random numbers',
    );
  });
});

describe('startFromImage', () => {
  const z = () => randn<tf.Rank.R4>(shape, 8);

  it('noises the latents to where the last steps start', () => {
    const noise = replayNoise([randn(shape, 9)]);
    const { xT, lastSteps } = startFromImage(z(), { schedule, steps: 50, strength: 0.4, noise });
    expect(lastSteps).toBe(20);
    const t = 381;
    const wanted = tf.add(
      tf.mul(z(), schedule.sqrtAlphasCumprod[t]!),
      tf.mul(randn(shape, 9), schedule.sqrtOneMinusAlphasCumprod[t]!),
    );
    expectClose(xT, wanted, 1e-6);
  });

  it('stays near the image at a low strength and leaves it at a high one', async () => {
    const distance = async (strength: number) => {
      const { xT, lastSteps } = startFromImage(z(), { schedule, steps: 50, strength, noise: seededNoise(Rng.of(2)) });
      const out = await sampleDdim(exactDenoise(schedule, { mean: 0, std: 1 }), xT, { schedule, steps: 50, lastSteps });
      return tf.mean(tf.square(tf.sub(out, z()))).dataSync()[0]!;
    };
    const [low, middle, high] = [await distance(0.02), await distance(0.4), await distance(1)];
    expect(low).toBeLessThan(0.05);
    expect(middle).toBeGreaterThan(4 * low);
    expect(high).toBeGreaterThan(middle);
  });

  it.each([0, -0.1, 1.01, Number.NaN])('refuses strength %s', (strength) => {
    const noise = seededNoise(Rng.of(1));
    expect(() => startFromImage(z(), { schedule, steps: 50, strength, noise })).toThrow('strength is');
  });
});

describe('noise sources', () => {
  it('repeat from the seed, draw by draw, and differ between draws and seeds', () => {
    const draws = (seed: number) => {
      const source = seededNoise(Rng.of(seed));
      return [source.next(shape), source.next(shape), source.uniform!(shape)];
    };
    const [first, again, other] = [draws(1), draws(1), draws(2)];
    for (const [i, draw] of first.entries()) {
      expectClose(draw, again[i]!, 0);
      expect(tf.max(tf.abs(tf.sub(draw, other[i]!))).dataSync()[0]).toBeGreaterThan(0.1);
    }
    expect(tf.max(tf.abs(tf.sub(first[0]!, first[1]!))).dataSync()[0]).toBeGreaterThan(0.1);
    expect(tf.min(first[2]!).dataSync()[0]).toBeGreaterThanOrEqual(0);
  });

  it('replay what was stored, and leave it to its owner', () => {
    const stored = randn<tf.Rank.R4>(shape, 3);
    const source = replayNoise([stored]);
    expect(() => source.next([1, 1, 1, 1])).toThrow('stored draw 0 is [1,2,4,1], the sampler wants [1,1,1,1]');
    const draw = source.next(shape);
    expectClose(draw, stored, 0);
    draw.dispose();
    expect(stored.isDisposed).toBe(false);
    expect(() => source.next(shape)).toThrow('draw 1 is wanted, only 1 are stored');
  });
});
