import { compile, useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { UNetConfig } from '../src/config/unet-config.js';
import { sampleDdim } from '../src/diffusion/ddim.js';
import { seededNoise } from '../src/diffusion/noise-source.js';
import { makeSchedule } from '../src/diffusion/schedule.js';
import { initialValues, normal } from '../src/nn/init.js';
import { Params } from '../src/nn/params.js';
import { Rng } from '../src/nn/random.js';
import { Scope } from '../src/nn/scope.js';
import { UNetModel } from '../src/unet/unet.js';
import { expectClose } from './support.js';

// What a browser has: nothing but tfjs and this package. The engine only has to make the same numbers faster.

const SIZE = 8;
const scope = Scope.root();
const unet = new UNetModel(
  scope,
  UNetConfig.parse({
    imageSize: SIZE,
    inChannels: 3,
    outChannels: 3,
    modelChannels: 32,
    numResBlocks: 1,
    attentionResolutions: [2],
    channelMult: [1, 2],
    numHeads: 4,
    useSpatialTransformer: true,
    contextDim: 16,
    legacy: false,
  }),
);
const schedule = makeSchedule({ betaSchedule: 'linear', timesteps: 1000, linearStart: 0.0015, linearEnd: 0.0195 });

/** Weights with no layer of zeros: a network that starts as zero hides everything before its end. */
function weights(): Params {
  return new Params(
    [...scope.specs].map(([key, spec]) => {
      const zero = spec.init.kind === 'constant' && spec.init.value === 0;
      const values = initialValues(zero ? { ...spec, init: normal(0, 0.05) } : spec, 3);
      return [key, tf.tensor(values, [...spec.shape], spec.dtype)];
    }),
  );
}

type Pass = (p: Params, x: tf.Tensor4D, t: tf.Tensor1D, context: tf.Tensor3D) => tf.Tensor4D;
const pass: Pass = (p, x, t, context) => unet.forward(p, { x, t, context });

/** One pass at two timesteps, and latents of four DDIM steps with noise, on the current backend. */
async function forwardAndSample(model: Pass): Promise<{ eps: Float32Array; latents: Float32Array }> {
  const rng = Rng.of(11);
  const p = weights();
  const context = rng.split('context').normal<tf.Rank.R3>([2, 5, 16]);
  const x = rng.split('x').normal<tf.Rank.R4>([2, SIZE, SIZE, 3]);
  const t = tf.tensor1d([5, 900], 'int32');
  const eps = model(p, x, t, context);
  const denoise = (latents: tf.Tensor4D, step: number) =>
    model(p, latents, tf.tensor1d([step, step], 'int32'), context);
  const z = await sampleDdim(denoise, x, { schedule, steps: 4, eta: 1, noise: seededNoise(rng.split('noise')) });
  const values = { eps: Float32Array.from(await eps.data()), latents: Float32Array.from(await z.data()) };
  tf.dispose([context, x, t, eps, z]);
  p.dispose();
  return values;
}

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});

describe('a UNet and DDIM on the plain JavaScript backend', () => {
  it('give what the engine gives, eager and compiled', async () => {
    await tf.setBackend('cpu');
    const plain = await forwardAndSample(pass);
    expect(plain.eps.every(Number.isFinite)).toBe(true);
    expect(Math.max(...plain.eps.map(Math.abs))).toBeGreaterThan(0.1);
    await tf.setBackend('tensorflow');
    for (const model of [pass, compile(pass, { name: 'unet' })]) {
      const engine = await forwardAndSample(model);
      for (const name of ['eps', 'latents'] as const) {
        expectClose(engine[name], plain[name], 2e-5 * Math.max(...plain[name].map(Math.abs)));
      }
    }
  });
});
