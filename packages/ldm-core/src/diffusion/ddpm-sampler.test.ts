import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { exactDenoise } from '../../test/gaussian-data.js';
import { expectClose, randn, useCpu } from '../../test/support.js';
import { Rng } from '../nn/random.js';
import { pSample } from './ddpm.js';
import { sampleDdpm } from './ddpm-sampler.js';
import type { Denoise } from './denoise.js';
import { replayNoise, type Shape4D, seededNoise } from './noise-source.js';
import { makeSchedule } from './schedule.js';

beforeAll(useCpu);

describe('sampleDdpm', () => {
  const shape: Shape4D = [2, 2, 2, 1];
  const short = makeSchedule({ timesteps: 6, linearStart: 0.1, linearEnd: 0.3 });
  const denoise: Denoise = (x, t) => tf.mul(tf.sin(x), 0.5 + t);

  it.each([false, true])(
    'takes the steps of pSample, one draw each but for the last; clipDenoised %s',
    async (clip) => {
      const noises = Array.from({ length: 5 }, (_, i) => randn<tf.Rank.R4>(shape, i));
      let wanted = randn<tf.Rank.R4>(shape, 9);
      const starts: tf.Tensor4D[] = [];
      for (let t = 5; t >= 0; t--) {
        const eps = (await denoise(wanted, t, { index: t, total: 6, call: 0 })) as tf.Tensor4D;
        const noise = noises[5 - t] ?? tf.zeros<tf.Rank.R4>(shape);
        const { xPrev, predX0 } = pSample(short, eps, wanted, tf.fill([2], t, 'int32'), noise, { clipDenoised: clip });
        starts.push(predX0);
        wanted = xPrev;
      }
      const z = await sampleDdpm(denoise, randn(shape, 9), {
        schedule: short,
        noise: replayNoise(noises),
        clipDenoised: clip,
        onStep: ({ index, t, predX0 }) => {
          expect(index).toBe(t);
          expectClose(predX0, starts[5 - t]!, 2e-5);
        },
      });
      expectClose(z, wanted, 2e-5);
    },
  );

  it('reaches the mean of Gaussian data, and the variance that its own recursion has', async () => {
    const schedule = makeSchedule({ timesteps: 60, linearStart: 0.01, linearEnd: 0.3 });
    const data = { mean: 0.5, std: 0.4 };
    const count = 4096;
    const run = { schedule, noise: seededNoise(Rng.of(7)) };
    const z = await sampleDdpm(exactDenoise(schedule, data), randn([1, 64, 64, 1], 3), run);
    // With the exact eps every step is linear in x, so the variance of all x follows step by step.
    let variance = 1;
    for (let t = schedule.timesteps - 1; t >= 0; t--) {
      const alphaBar = schedule.alphasCumprod[t]!;
      const gain = (Math.sqrt(alphaBar) * data.std ** 2) / (alphaBar * data.std ** 2 + 1 - alphaBar);
      const slope = schedule.posteriorMeanCoef1[t]! * gain + schedule.posteriorMeanCoef2[t]!;
      variance = slope ** 2 * variance + (t > 0 ? schedule.posteriorVariance[t]! : 0);
    }
    const { mean, variance: got } = tf.moments(z);
    // Four standard errors.
    expect(Math.abs(mean.dataSync()[0]! - data.mean)).toBeLessThan(4 * Math.sqrt(variance / count));
    expect(Math.abs(got.dataSync()[0]! / variance - 1)).toBeLessThan(4 * Math.sqrt(2 / count));
    // And that is near the data's own.
    expect(Math.sqrt(variance)).toBeGreaterThan(0.8 * data.std);
  });

  it('needs a noise source', async () => {
    await expect(sampleDdpm(denoise, randn(shape, 1), { schedule: short })).rejects.toThrow(
      'ancestral sampling needs random numbers',
    );
  });
});
