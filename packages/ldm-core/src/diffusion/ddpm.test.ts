import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { exactDenoise } from '../../test/gaussian-data.js';
import { expectMaxRel, modelParams, readTensors, upload, uploadImage } from '../../test/parity-case.js';
import { expectClose, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { pMeanVariance, pSample, qPosterior, qSample } from './ddpm.js';
import { extract } from './extract.js';
import type { Parameterization } from './parameterization.js';
import {
  predictEpsFromStart,
  predictEpsFromVelocity,
  predictStart,
  predictStartFromNoise,
  predictStartFromVelocity,
  velocity,
} from './predictions.js';
import { makeSchedule } from './schedule.js';

beforeAll(useCpu);

const schedule = makeSchedule({ linearStart: 0.0015, linearEnd: 0.0195 });

function batch() {
  return {
    x0: randn<tf.Rank.R4>([3, 2, 2, 2], 1),
    noise: randn<tf.Rank.R4>([3, 2, 2, 2], 2),
    t: tf.tensor1d([0, 500, 999], 'int32'),
  };
}

describe('DDPM maths against the original', () => {
  it('ldm_text: q_sample, posterior, start, ancestral step', () => {
    const model = makeSchedule(modelParams('ldm_text'));
    const inputs = readTensors('ldm_text/inputs.safetensors');
    const outputs = readTensors('ldm_text/outputs.safetensors');
    const [x0, noise, drawn] = ['x0', 'noise', 'p_sample_noise'].map((name) => uploadImage(inputs.get(name)!));
    const t = upload<tf.Rank.R1>(inputs.get('t')!);
    const check = (y: tf.Tensor, name: string) => expectMaxRel(y, outputs.get(name)!, 3e-5);
    check(qSample(model, x0!, t, noise!), 'q_sample');
    check(predictStartFromNoise(model, x0!, t, noise!), 'predict_start_from_noise');
    const { mean, variance, logVariance } = qPosterior(model, noise!, x0!, t);
    check(mean, 'q_posterior_mean');
    check(variance, 'q_posterior_var');
    check(logVariance, 'q_posterior_logvar');
    const eps = uploadImage(outputs.get('apply_model')!);
    check(pSample(model, eps, x0!, t, drawn!).xPrev, 'p_sample');
  });
});

describe('extract', () => {
  it('takes each sample its own value, rounded once', () => {
    const values = extract(schedule.alphasCumprod, tf.tensor1d([0, 999, 0], 'int32'));
    expect(values.shape).toEqual([3, 1, 1, 1]);
    const { alphasCumprod } = schedule;
    expect([...values.dataSync()]).toEqual([0, 999, 0].map((t) => Math.fround(alphasCumprod[t]!)));
  });
});

describe('conversions', () => {
  it('go from x_t and one of eps, x_0, v to the others', () => {
    const { x0, noise, t } = batch();
    const xt = qSample(schedule, x0, t, noise);
    const v = velocity(schedule, x0, t, noise);
    expectClose(predictStartFromVelocity(schedule, xt, t, v), x0, 1e-6);
    expectClose(predictEpsFromVelocity(schedule, xt, t, v), noise, 1e-6);
    // At t 999 a factor of 14 amplifies rounding, at t 0 one of 26.
    expectClose(predictStartFromNoise(schedule, xt, t, noise), x0, 5e-5);
    expectClose(predictEpsFromStart(schedule, xt, t, x0), noise, 5e-5);
    for (const [parameterization, output] of Object.entries({ eps: noise, x0, v })) {
      expectClose(predictStart(schedule, parameterization as Parameterization, xt, t, output), x0, 5e-5);
    }
  });

  it('reads v as at t where signal and noise are equal', () => {
    const half = makeSchedule({ givenBetas: [0.5, 0.5] });
    const one = tf.ones<tf.Rank.R4>([1, 1, 1, 1]);
    const t = tf.tensor1d([0], 'int32');
    expectClose(velocity(half, tf.mul(one, 3), t, one), [Math.SQRT1_2 * (1 - 3)], 1e-6);
  });
});

describe('qPosterior', () => {
  it('is the product of the two Gaussians it stands for', () => {
    // q(x_1 | x_2, x_0) ∝ N(x_2; √α x_1, β) N(x_1; √ᾱ_1 x_0, 1-ᾱ_1): precisions add, means weigh by precision.
    const short = makeSchedule({ givenBetas: [0.1, 0.3] });
    const [x0, x2] = [0.7, -0.4];
    const precision = 0.7 / 0.3 + 1 / 0.1;
    const mean = ((Math.sqrt(0.7) * x2) / 0.3 + (Math.sqrt(0.9) * x0) / 0.1) / precision;
    const t = tf.tensor1d([1], 'int32');
    const posterior = qPosterior(short, tf.fill([1, 1, 1, 1], x0), tf.fill([1, 1, 1, 1], x2), t);
    expectClose(posterior.mean, [mean], 1e-6);
    expectClose(posterior.variance, [1 / precision], 1e-6);
    expectClose(posterior.logVariance, [-Math.log(precision)], 1e-6);
  });
});

describe('pSample', () => {
  it('adds noise to the samples whose t is above 0 only', () => {
    const { x0, noise, t } = batch();
    const still = pSample(schedule, noise, x0, t, tf.zerosLike(noise)).xPrev;
    const moved = tf.sub(pSample(schedule, noise, x0, t, tf.onesLike(noise)).xPrev, still);
    const std = (step: number) => Math.sqrt(schedule.posteriorVariance[step]!);
    expectClose(tf.mean(moved, [1, 2, 3]), [0, std(500), std(999)], 1e-5);
  });

  it('clips the predicted start where asked', () => {
    const { x0, noise, t } = batch();
    const { predX0 } = pMeanVariance(schedule, noise, tf.mul(x0, 30), t, { clipDenoised: true });
    expect(tf.max(tf.abs(predX0)).dataSync()[0]).toBe(1);
  });

  it("follows the schedule's parameterization, unless told otherwise", () => {
    const { x0, noise, t } = batch();
    const xt = qSample(schedule, x0, t, noise);
    const v = makeSchedule({ linearStart: 0.0015, linearEnd: 0.0195, parameterization: 'v' });
    expectClose(pMeanVariance(v, velocity(v, x0, t, noise), xt, t).predX0, x0, 1e-5);
    expectClose(pMeanVariance(v, x0, xt, t, { parameterization: 'x0' }).predX0, x0, 0);
  });

  it('leaves nothing behind but its results', () => {
    const { x0, noise, t } = batch();
    expectNoLeak(() => qSample(schedule, x0, t, noise));
    expectNoLeak(() => ({ ...qPosterior(schedule, x0, noise, t) }));
    expectNoLeak(() => ({ ...pMeanVariance(schedule, noise, x0, t) }));
    expectNoLeak(() => ({ ...pSample(schedule, noise, x0, t, noise) }));
    expectNoLeak(() => velocity(schedule, x0, t, noise));
  });

  it('agrees with the exact posterior mean of Gaussian data', async () => {
    // For data N(m, s²) and its exact eps, E[x_{t-1} | x_t] has a closed form: regression of x_{t-1} on x_t.
    const data = { mean: 0.3, std: 0.6 };
    const t = 400;
    const x = tf.fill<tf.Rank.R4>([1, 1, 1, 1], 1.1);
    const eps = await exactDenoise(schedule, data)(x, t, { index: 0, total: 1, call: 0 });
    const { mean } = pMeanVariance(schedule, eps, x, tf.tensor1d([t], 'int32'));
    const variance = (alphaBar: number) => alphaBar * data.std ** 2 + 1 - alphaBar;
    const [now, prev] = [schedule.alphasCumprod[t]!, schedule.alphasCumprodPrev[t]!];
    const slope = (Math.sqrt(now / prev) * variance(prev)) / variance(now);
    expectClose(mean, [Math.sqrt(prev) * data.mean + slope * (1.1 - Math.sqrt(now) * data.mean)], 1e-5);
  });
});
