import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { exactDenoise } from '../../test/gaussian-data.js';
import { expectClose, randn, useCpu } from '../../test/support.js';
import { sampleDdim } from './ddim.js';
import { invertDdim } from './ddim-inversion.js';
import type { Denoise } from './denoise.js';
import { type NoiseSource, replayNoise } from './noise-source.js';
import { makeSchedule } from './schedule.js';
import { recordSteps } from './step-recorder.js';

beforeAll(useCpu);

/** T = 4: two steps stand at t = 1 and 3. */
const tiny = makeSchedule({ givenBetas: [0.1, 0.2, 0.3, 0.4] });
/** ᾱ at 0, 1, 3. */
const [A0, A1, A3] = [0.9, 0.9 * 0.8, 0.9 * 0.8 * 0.7 * 0.6];
const one = (value: number) => tf.fill<tf.Rank.R4>([1, 1, 1, 1], value);

/** One DDIM step in scalars. */
function byHand(x: number, eps: number, alpha: number, prev: number, eta: number, noise: number): number {
  const sigma = eta * Math.sqrt(((1 - prev) / (1 - alpha)) * (1 - alpha / prev));
  const x0 = (x - Math.sqrt(1 - alpha) * eps) / Math.sqrt(alpha);
  return Math.sqrt(prev) * x0 + Math.sqrt(1 - prev - sigma ** 2) * eps + sigma * noise;
}

/** eps = t/10 - x/2 */
const model: Denoise = (x, t) => tf.sub(t / 10, tf.mul(x, 0.5));
const modelByHand = (x: number, t: number) => t / 10 - x / 2;

describe('sampleDdim', () => {
  it.each([0, 0.5, 1])('takes two steps as computed by hand, eta %s', async (eta) => {
    const x3 = 0.8;
    const x1 = byHand(x3, modelByHand(x3, 3), A3, A1, eta, 0.6);
    const x0 = byHand(x1, modelByHand(x1, 1), A1, A0, eta, -1.1);
    const noise = replayNoise([one(0.6), one(-1.1)]);
    const recorder = recordSteps(1);
    const z = await sampleDdim(model, one(x3), { schedule: tiny, steps: 2, eta, noise, onStep: recorder.onStep });
    expectClose(z, [x0], 1e-6);
    expectClose(recorder.xInter[0]!, [x1], 1e-6);
    expectClose(recorder.predX0[1]!, [(x1 - Math.sqrt(1 - A1) * modelByHand(x1, 1)) / Math.sqrt(A1)], 1e-6);
  });

  it('scales the noise by the temperature', async () => {
    const noise = () => replayNoise([one(0.6), one(-1.1)]);
    const z = await sampleDdim(model, one(0.8), { schedule: tiny, steps: 2, eta: 1, temperature: 0.5, noise: noise() });
    const x1 = byHand(0.8, modelByHand(0.8, 3), A3, A1, 1, 0.3);
    expectClose(z, [byHand(x1, modelByHand(x1, 1), A1, A0, 1, -0.55)], 1e-6);
  });

  it('drops noise and scales up what is left', async () => {
    const uniform = [0.1, 0.3, 0.5, 0.9];
    const shape: [number, number, number, number] = [1, 2, 2, 1];
    const source: NoiseSource = { next: () => tf.ones(shape), uniform: () => tf.tensor4d(uniform, shape) };
    const run = { schedule: tiny, steps: 2, eta: 1, lastSteps: 1, noise: source };
    const still = await sampleDdim(() => tf.zeros(shape), tf.zeros(shape), { ...run, temperature: 0 });
    const full = await sampleDdim(() => tf.zeros(shape), tf.zeros(shape), run);
    const some = await sampleDdim(() => tf.zeros(shape), tf.zeros(shape), { ...run, noiseDropout: 0.5 });
    const sigma = full.dataSync()[0]!;
    expect(sigma).toBeGreaterThan(0.1);
    expectClose(still, [0, 0, 0, 0], 0);
    expectClose(some, [0, 0, 2 * sigma, 2 * sigma], 1e-6);
  });

  it('draws one normal a step exactly where eta is above 0', async () => {
    let draws = 0;
    const source: NoiseSource = {
      next: (shape) => {
        draws++;
        return tf.zeros(shape);
      },
    };
    await sampleDdim(model, one(1), { schedule: tiny, steps: 4, eta: 1, noise: source });
    // The first of the four steps has length 0, so its sigma is 0: it draws all the same.
    expect(draws).toBe(4);
    await sampleDdim(model, one(1), { schedule: tiny, steps: 4, noise: source });
    expect(draws).toBe(4);
  });

  it('says what is missing or impossible', async () => {
    const run = { schedule: tiny, steps: 2 };
    await expect(sampleDdim(model, one(1), { ...run, eta: 1 })).rejects.toThrow('ddim with eta 1 needs random numbers');
    await expect(sampleDdim(model, one(1), { ...run, steps: 3 })).rejects.toThrow('steps is 3');
    await expect(sampleDdim(model, one(1), { ...run, lastSteps: 3 })).rejects.toThrow('lastSteps is 3');
    await expect(sampleDdim(model, one(1), { ...run, temperature: -1 })).rejects.toThrow('temperature is -1');
    await expect(sampleDdim(model, one(1), { ...run, noiseDropout: 1 })).rejects.toThrow('noiseDropout is 1');
    const noise = replayNoise([one(0)]);
    await expect(sampleDdim(model, one(1), { ...run, eta: 1, noise })).rejects.toThrow('draw 1 is wanted, only 1');
    await expect(
      sampleDdim(model, one(1), { ...run, eta: 1, noiseDropout: 0.5, noise: replayNoise([one(0)]) }),
    ).rejects.toThrow('noiseDropout needs uniform draws');
  });
});

describe('invertDdim', () => {
  it('finds the noise that sampling turns back into the latents, the better the more steps', async () => {
    const schedule = makeSchedule({ givenBetas: [0.3, ...Array(1999).fill(0.003)] });
    const denoise = exactDenoise(schedule, { mean: 0.5, std: 0.4 });
    const z = tf.tensor4d([0.1, 0.6, 1.2], [1, 1, 3, 1]);
    const errors: number[] = [];
    for (const steps of [50, 100, 200]) {
      const xT = await invertDdim(denoise, z, { schedule, steps });
      const back = await sampleDdim(denoise, xT, { schedule, steps });
      errors.push(tf.max(tf.abs(tf.sub(back, z))).dataSync()[0]!);
    }
    expect(errors[0]).toBeLessThan(0.05);
    expect(errors[0]! / errors[1]!).toBeGreaterThan(1.6);
    expect(errors[1]! / errors[2]!).toBeGreaterThan(1.6);
  });

  it('stands at the times of the way back, less noisy end first', async () => {
    const times: number[] = [];
    const denoise: Denoise = (x, t) => {
      times.push(t);
      return tf.zerosLike(x);
    };
    const before = tf.memory().numTensors;
    const x = randn<tf.Rank.R4>([1, 1, 2, 1], 1);
    const xT = await invertDdim(denoise, x, { schedule: tiny, steps: 2 });
    expect(times).toEqual([0, 1]);
    expectClose(xT, tf.mul(x, Math.sqrt(A3 / A0)), 1e-6);
    expect(tf.memory().numTensors).toBe(before + 3);
  });
});

describe('recordSteps', () => {
  it.each([
    [100, [3, 0]],
    [2, [3, 2, 0]],
    [1, [3, 2, 1, 0]],
  ])('keeps the first step and every %s-th', async (every, wanted) => {
    const recorder = recordSteps(every);
    const kept: number[] = [];
    await sampleDdim(model, one(1), {
      schedule: tiny,
      steps: 4,
      onStep: (event) => {
        const count = recorder.xInter.length;
        recorder.onStep(event);
        if (recorder.xInter.length > count) kept.push(event.index);
      },
    });
    expect(kept).toEqual(wanted);
    expect(recorder.predX0).toHaveLength(wanted.length);
    const held = tf.memory().numTensors;
    recorder.dispose();
    expect(tf.memory().numTensors).toBe(held - 2 * wanted.length);
    expect(() => recordSteps(0)).toThrow('logEveryT is 0');
  });
});
