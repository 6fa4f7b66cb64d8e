import { Rng, sampleDdim, seededNoise } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { expectClose, expectTensors, useCpu } from '../test/support.js';
import { type Tiny, tinyConditions, tinyLatents, tinyModel } from '../test/tiny-model.js';
import { composeOptions } from './compose/compose-options.js';
import type { Contexts } from './compose/contexts.js';
import { confidenceMix, confidenceRecorder, sampleConfidence } from './confidence-sampler.js';
import { ConfidenceSamplerConfig } from './config/compose-unet-config.js';
import { mixDenoiser } from './mix-denoiser.js';
import { recordMixes } from './mix-recorder.js';

let tiny: Tiny;
let contexts: Contexts;

beforeAll(async () => {
  await useCpu();
  tiny = tinyModel();
  contexts = tiny.model.contextKeys(tiny.params, tiny.model.encodeConditions(tiny.params, tinyConditions()));
});

const run = () => ({ steps: 2, eta: 1, noise: seededNoise(Rng.of(1)) });
const sample = (options: object = {}) =>
  sampleConfidence(tiny.model, tiny.params, contexts, tinyLatents(1), { ...run(), ...options });

it('doubles the mask and lets it fall along a cosine, whatever the model was trained with', async () => {
  const { model, params } = tiny;
  const mix = { ...model.unet.config, segMaskScaleFactor: 2, segMaskSchedule: 'cosine_decay' } as const;
  const options = composeOptions(mix, model.conditions);
  expect(confidenceMix(model)).toEqual({ mix: options, manualProb: 1 });
  expect(model.unet.options.rules[0]).toEqual({ name: 'seg_mask', scale: null, schedule: null });
  const denoise = mixDenoiser((x, t) => model.mix(params, { x, t, contexts }, options));
  const wanted = await sampleDdim(denoise, tinyLatents(1), { ...run(), schedule: model.schedule });
  expectClose(await sample(), wanted, 1e-6);
});

it('takes other options, and leaves none behind', async () => {
  const before = await sample();
  const plain = await sample({ segMaskScaleFactor: null, segMaskSchedule: null });
  expect(tf.max(tf.abs(tf.sub(plain, before))).dataSync()[0]).toBeGreaterThan(1e-4);
  expectClose(await sample(), before, 0);
});

it('runs the step it is given, and reports maps and latents', async () => {
  const { model } = tiny;
  let calls = 0;
  const recorder = recordMixes();
  let steps = 0;
  const z = await sample({
    onMix: recorder.onMix,
    onStep: () => {
      steps++;
    },
    step: (...args: Parameters<typeof model.mix>) => {
      calls++;
      return model.mix(...args);
    },
  });
  expect([calls, steps, recorder.influence.text!.length]).toEqual([2, 2, 2]);
  expectClose(z, await sample(), 0);
});

it('leaves nothing behind but the latents', async () => {
  const xT = tinyLatents(1);
  await expectTensors(1, () => sampleConfidence(tiny.model, tiny.params, contexts, xT, run()));
});

it('keeps what the original’s options ask for', async () => {
  const asked = (given: object) => confidenceRecorder(ConfidenceSamplerConfig.parse(given));
  expect(asked({})).toBeNull();
  const maps = asked({ returnConfidenceMap: true })!;
  await sample({ onMix: maps.onMix });
  expect(Object.entries(maps.influence).map(([name, list]) => [name, list.length])).toEqual([
    ['seg_mask', 2],
    ['text', 2],
  ]);
  expect(maps.branches).toEqual({});
  const all = asked({ returnConfidenceMap: true, returnEachBranch: true })!;
  await sample({ onMix: all.onMix });
  expect(Object.keys(all.branches)).toEqual(['seg_mask', 'text']);
  maps.dispose();
  all.dispose();
  const text = recordMixes({ names: ['text'], branches: true });
  await sample({ onMix: text.onMix });
  expect([Object.keys(text.influence), Object.keys(text.branches)]).toEqual([['text'], ['text']]);
  text.dispose();
});
