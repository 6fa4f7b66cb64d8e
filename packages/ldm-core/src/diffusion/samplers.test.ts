import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { exactDenoise, flowAt } from '../../test/gaussian-data.js';
import { expectClose, randn, useCpu } from '../../test/support.js';
import { Rng } from '../nn/random.js';
import { sampleDdim } from './ddim.js';
import { ddimTimesteps } from './ddim-schedule.js';
import type { Denoise } from './denoise.js';
import { seededNoise } from './noise-source.js';
import { SamplerConfig, type SamplerName, samplers, sampleWith } from './samplers.js';
import { makeSchedule } from './schedule.js';

beforeAll(useCpu);

const ldm = makeSchedule({ linearStart: 0.0015, linearEnd: 0.0195 });

describe('deterministic samplers on Gaussian data, where the ODE is solved in closed form', () => {
  // ᾱ from 0.7 to 2e-4 without the steep start of a real schedule, so that 40 steps are enough to see the order.
  const smooth = makeSchedule({ givenBetas: [0.3, ...Array(3999).fill(0.002)] });
  const data = { mean: 0.5, std: 0.4 };
  const Z = [-1, 0.5, 2];

  /** Largest error of a whole run. */
  async function errorOf(name: SamplerName, steps: number): Promise<number> {
    const top = ddimTimesteps(smooth.timesteps, steps).at(-1)!;
    const xT = tf.tensor4d(
      Z.map((z) => flowAt(smooth, data, top, z)),
      [1, 1, 3, 1],
    );
    const z = await sampleWith(SamplerConfig.parse({ name, steps }), exactDenoise(smooth, data), xT, {
      schedule: smooth,
    });
    const got = z.dataSync();
    return Math.max(...Z.map((z, i) => Math.abs(got[i]! - flowAt(smooth, data, 0, z))));
  }

  it.each([
    ['ddim', 0.9, 1.1, 5e-3],
    ['plms', 2.3, 4.5, 2e-5],
    ['dpmpp', 1.8, 2.2, 2e-4],
    ['heun', 1.8, 2.2, 3e-4],
  ] as const)('%s converges, of order %f to %f', async (name, low, high, limit) => {
    const errors = await Promise.all([40, 80, 160].map((steps) => errorOf(name, steps)));
    expect(errors[2]).toBeLessThan(limit);
    for (const i of [0, 1]) {
      const order = Math.log2(errors[i]! / errors[i + 1]!);
      expect(order).toBeGreaterThan(low);
      expect(order).toBeLessThan(high);
    }
  });
});

describe('every sampler', () => {
  const configs = [
    { name: 'ddim', steps: 4 },
    { name: 'ddim', steps: 4, eta: 1, discretize: 'quad' },
    { name: 'plms', steps: 5 },
    { name: 'dpmpp', steps: 20 },
    { name: 'heun', steps: 3 },
    { name: 'ddpm' },
  ] as const;
  const short = makeSchedule({ timesteps: 40, linearStart: 0.01, linearEnd: 0.2 });
  const data = { mean: 0.5, std: 0.1 };
  const xT = () => randn<tf.Rank.R4>([2, 2, 3, 1], 5);

  it.each(configs)('%o gives data-like latents, the same ones from the same seed', async (settings) => {
    const config = SamplerConfig.parse(settings);
    const run = (seed: number) =>
      sampleWith(config, exactDenoise(short, data), xT(), { schedule: short, noise: seededNoise(Rng.of(seed)) });
    const [first, again, other] = [await run(1), await run(1), await run(2)];
    expectClose(first, again, 0);
    for (const value of first.dataSync()) expect(Math.abs(value - data.mean)).toBeLessThan(1);
    const draws = config.name === 'ddpm' || (config.name === 'ddim' && (config.eta ?? 0) > 0);
    expect(tf.max(tf.abs(tf.sub(first, other))).dataSync()[0]! > 0).toBe(draws);
  });

  it.each(configs)(
    '%o frees everything but its result, also when the model or the observer throws',
    async (settings) => {
      const config = SamplerConfig.parse(settings);
      const exact = exactDenoise(short, data);
      const start = xT();
      const run = { schedule: short, inpaint: { mask: tf.ones<tf.Rank.R4>([1, 2, 3, 1]), x0: xT() } };
      const noise = () => seededNoise(Rng.of(3));
      const before = tf.memory().numTensors;

      (await sampleWith(config, exact, start, { ...run, noise: noise() })).dispose();
      expect(tf.memory().numTensors).toBe(before);

      const later: Denoise = async (x, t, step) => {
        const half = tf.mul(x, 0.5);
        await Promise.resolve();
        const eps = tf.tidy(() => exact(tf.mul(half, 2), t, step) as tf.Tensor4D);
        half.dispose();
        return eps;
      };
      (await sampleWith(config, later, start, { ...run, noise: noise() })).dispose();
      expect(tf.memory().numTensors).toBe(before);

      for (const failAt of [0, 1, 2]) {
        let calls = 0;
        const failing: Denoise = (x, t, step) => {
          const eps = exact(x, t, step);
          if (calls++ === failAt) throw new Error('model failed');
          return eps;
        };
        await expect(sampleWith(config, failing, start, { ...run, noise: noise() })).rejects.toThrow('model failed');
        expect(tf.memory().numTensors).toBe(before);
      }
      const onStep = () => Promise.reject(new Error('observer failed'));
      await expect(sampleWith(config, exact, start, { ...run, noise: noise(), onStep })).rejects.toThrow(
        'observer failed',
      );
      expect(tf.memory().numTensors).toBe(before);
      expect(start.isDisposed).toBe(false);
    },
  );

  it.each(configs)('%o takes the full run and every shorter one', async (settings) => {
    const config = SamplerConfig.parse(settings);
    const total: number[] = [];
    for (const lastSteps of [undefined, 1, 2]) {
      const seen: number[] = [];
      const x = await sampleWith(config, exactDenoise(short, data), xT(), {
        schedule: short,
        noise: seededNoise(Rng.of(1)),
        lastSteps,
        onStep: ({ index, total: of, t }) => {
          seen.push(index);
          total.push(of);
          expect(t).toBeLessThan(short.timesteps);
        },
      });
      expect(x.dataSync().every(Number.isFinite)).toBe(true);
      expect(seen).toEqual(Array.from({ length: total.at(-1)! }, (_, i) => total.at(-1)! - 1 - i));
    }
    expect(total.slice(-3)).toEqual([1, 2, 2]);
  });

  it('takes all T steps where the table says T-1 twice', async () => {
    for (const name of ['ddim', 'plms', 'dpmpp', 'heun'] as const) {
      const config = SamplerConfig.parse({ name, steps: 40 });
      const z = await sampleWith(config, exactDenoise(short, data), xT(), { schedule: short });
      for (const value of z.dataSync()) expect(Math.abs(value - data.mean)).toBeLessThan(0.5);
    }
  });
});

describe('relations between samplers', () => {
  const xT = () => randn<tf.Rank.R4>([1, 2, 2, 1], 5);
  const denoise: Denoise = (x, t) => tf.mul(tf.sin(x), 0.2 + t / 1000);

  it('DPM-Solver++ at first order is DDIM', async () => {
    const ddim = await samplers.ddim(denoise, xT(), { name: 'ddim', steps: 20, lastSteps: 1, schedule: ldm });
    const dpmpp = await samplers.dpmpp(denoise, xT(), { name: 'dpmpp', steps: 20, lastSteps: 1, schedule: ldm });
    expectClose(dpmpp, ddim, 1e-6);
  });

  it('DDIM of all steps with eta 1 is DDPM, where both stand at the same times', async () => {
    // From t to t-1 DDPM's posterior variance is DDIM's with eta 1. Only DDPM has a step from t = 0.
    const noise = () => seededNoise(Rng.of(4));
    const [ddim, ddpm]: [tf.Tensor4D[], tf.Tensor4D[]] = [[], []];
    const short = makeSchedule({ timesteps: 30 });
    const keep = (list: tf.Tensor4D[], from: number) => (event: { t: number; x: tf.Tensor4D }) => {
      if (event.t <= from && event.t > 0) list.push(tf.clone(event.x));
    };
    await sampleDdim(denoise, xT(), {
      schedule: short,
      steps: 30,
      eta: 1,
      lastSteps: 29,
      noise: noise(),
      onStep: keep(ddim, 29),
    });
    await samplers.ddpm(denoise, xT(), {
      name: 'ddpm',
      schedule: short,
      noise: noise(),
      lastSteps: 30,
      onStep: keep(ddpm, 29),
    });
    expect(ddim.length).toBe(29);
    for (const [i, x] of ddim.entries()) expectClose(x, ddpm[i]!, 2e-5);
  });
});

describe('SamplerConfig', () => {
  it('refuses eta for samplers without noise, saying what to use', () => {
    const { error } = SamplerConfig.safeParse({ name: 'plms', steps: 50, eta: 0.5 });
    expect(error?.issues.map(({ path, message }) => [path.join('.'), message])).toEqual([
      ['eta', 'plms adds no noise, so eta must be 0; use ddim for eta above 0'],
    ]);
    expect(SamplerConfig.parse({ name: 'plms', steps: 50, eta: 0 })).toEqual({ name: 'plms', steps: 50, eta: 0 });
  });

  it('refuses unknown samplers and settings', () => {
    expect(() => SamplerConfig.parse({ name: 'euler', steps: 5 })).toThrow();
    expect(() => SamplerConfig.parse({ name: 'ddim', steps: 5, etta: 1 })).toThrow(/etta/);
    expect(() => SamplerConfig.parse({ name: 'ddpm', steps: 5 })).toThrow(/steps/);
    expect(() => SamplerConfig.parse({ name: 'heun', steps: 0 })).toThrow();
  });
});
