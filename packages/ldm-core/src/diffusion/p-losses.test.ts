import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { qSample } from './ddpm.js';
import { type LossType, loggedLosses, pLosses } from './p-losses.js';
import { makeSchedule } from './schedule.js';

beforeAll(useCpu);

const schedule = makeSchedule({ linearStart: 0.0015, linearEnd: 0.0195 });

function inputs() {
  return {
    x0: randn<tf.Rank.R4>([2, 2, 2, 3], 1),
    noise: randn<tf.Rank.R4>([2, 2, 2, 3], 2),
    output: randn<tf.Rank.R4>([2, 2, 2, 3], 3),
    t: tf.tensor1d([3, 700], 'int32'),
  };
}

/** Mean over H, W, C of |a-b| or (a-b)², a number a sample. */
function errors(a: tf.Tensor4D, b: tf.Tensor4D, lossType: LossType): number[] {
  const difference = Array.from(tf.sub(a, b).dataSync(), (d) => (lossType === 'l1' ? Math.abs(d) : d * d));
  const size = difference.length / 2;
  return [0, 1].map((i) => difference.slice(i * size, (i + 1) * size).reduce((sum, d) => sum + d, 0) / size);
}

describe('pLosses', () => {
  it.each(['l1', 'l2'] as const)('%s: simple loss, bound and their weighted sum', (lossType) => {
    const batch = inputs();
    const [a, b] = errors(batch.noise, batch.output, lossType) as [number, number];
    const losses = pLosses(schedule, batch, { lossType, lSimpleWeight: 0.7, originalElboWeight: 0.1 });
    const simple = (a + b) / 2;
    const vlb = (schedule.lvlbWeights[3]! * a + schedule.lvlbWeights[700]! * b) / 2;
    expectClose(losses.lossSimple, [simple], 1e-5);
    expectClose(losses.lossVlb, [vlb], 1e-5);
    expectClose(losses.loss, [0.7 * simple + 0.1 * vlb], 1e-5);
    expect(losses.lossGamma).toBeUndefined();
  });

  it('is zero for the perfect prediction of each parameterization', () => {
    const { x0, noise, t } = inputs();
    const xt = qSample(schedule, x0, t, noise);
    for (const parameterization of ['eps', 'x0', 'v'] as const) {
      const perfect = {
        eps: noise,
        x0,
        // v from x_t and x_0 alone: (√ᾱ x_t - x_0)/√(1-ᾱ).
        v: tf.stack(
          tf.unstack(tf.zerosLike(x0)).map((_, i) => {
            const at = [3, 700][i]!;
            const scaled = tf.mul(tf.gather(xt, i), schedule.sqrtAlphasCumprod[at]!);
            return tf.div(tf.sub(scaled, tf.gather(x0, i)), schedule.sqrtOneMinusAlphasCumprod[at]!);
          }),
        ) as tf.Tensor4D,
      };
      for (const [kind, output] of Object.entries(perfect)) {
        const { loss } = pLosses(schedule, { x0, t, noise, output }, { parameterization });
        if (kind === parameterization) expectClose(loss, [0], 1e-8);
        else expect(loss.dataSync()[0]).toBeGreaterThan(0.1);
      }
    }
  });

  it('puts a constant logvar into the loss, silently', () => {
    const batch = inputs();
    const [a, b] = errors(batch.noise, batch.output, 'l2') as [number, number];
    const losses = pLosses(schedule, { ...batch, logvar: 0.5 });
    expectClose(losses.loss, [(a + b) / 2 / Math.exp(0.5) + 0.5], 1e-5);
    expect(Object.keys(loggedLosses(losses, 'train')).sort()).toEqual([
      'train/loss',
      'train/loss_simple',
      'train/loss_vlb',
    ]);
  });

  it('reads a learned logvar at t, reports it and sends it a gradient', () => {
    const batch = inputs();
    const [a, b] = errors(batch.noise, batch.output, 'l2') as [number, number];
    const logvar = tf.tensor1d(Float32Array.from({ length: 1000 }, (_, t) => t / 1000));
    const losses = pLosses(schedule, { ...batch, logvar });
    const gamma = (a / Math.exp(0.003) + 0.003 + b / Math.exp(0.7) + 0.7) / 2;
    expectClose(losses.loss, [gamma], 1e-5);
    expect(Object.keys(loggedLosses(losses, 'val')).sort()).toEqual([
      'logvar',
      'val/loss',
      'val/loss_gamma',
      'val/loss_simple',
      'val/loss_vlb',
    ]);
    expectClose(losses.lossGamma!, [gamma], 1e-5);
    expectClose(losses.logvar!, [0.4995], 1e-5);
    const gradient = tf.grad((values) => pLosses(schedule, { ...batch, logvar: values as tf.Tensor1D }).loss)(logvar);
    const values = gradient.dataSync();
    expect(values[700]).toBeCloseTo((1 - b / Math.exp(0.7)) / 2, 5);
    expect(values.filter((value) => value !== 0)).toHaveLength(2);
  });

  it('leaves nothing behind but its results', () => {
    const batch = inputs();
    expectNoLeak(() => ({ ...pLosses(schedule, batch) }));
    const logvar = tf.zeros<tf.Rank.R1>([1000]);
    expectNoLeak(() => ({ ...pLosses(schedule, { ...batch, logvar }, { parameterization: 'v', lossType: 'l1' }) }));
  });
});
