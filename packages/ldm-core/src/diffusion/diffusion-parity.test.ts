import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  expectMaxRel,
  type HostTensor,
  modelParams,
  readConfig,
  readTensors,
  upload,
  uploadImage,
  weightsOf,
} from '../../test/parity-case.js';
import { useCpu } from '../../test/support.js';
import { UNetConfig } from '../config/unet-config.js';
import { Scope } from '../nn/scope.js';
import { UNetModel } from '../unet/unet.js';
import { sampleDdim } from './ddim.js';
import { qSample } from './ddpm.js';
import type { Denoise } from './denoise.js';
import { type ConditionalDenoise, guided } from './guidance.js';
import { replayNoise } from './noise-source.js';
import { type LossType, pLosses } from './p-losses.js';
import { samplePlms } from './plms.js';
import { makeSchedule } from './schedule.js';
import { recordSteps } from './step-recorder.js';

beforeAll(useCpu);

const params = modelParams('ldm_text');
const schedule = makeSchedule(params);

/** The tiny text UNet of ldm_text, and the t of each sample of each call. */
function network() {
  const scope = Scope.root();
  const { unetConfig } = params as { unetConfig: { params: object } };
  const unet = new UNetModel(scope.at('model.diffusion_model'), UNetConfig.parse(unetConfig.params));
  const weights = weightsOf(scope.specs, readTensors('ldm_text/weights.safetensors'));
  const predict = (x: tf.Tensor4D, t: tf.Tensor1D, context: tf.Tensor3D) => unet.forward(weights, { x, t, context });
  const calls: number[][] = [];
  const denoise: ConditionalDenoise<tf.Tensor3D> = (x, t, context) => {
    calls.push(Array(x.shape[0]).fill(t));
    return predict(x, tf.fill([x.shape[0]], t, 'int32'), context);
  };
  return { predict, denoise, calls };
}

/** The entries of a stored tensor's first axis. */
function entries({ shape: [length, ...shape], dtype, values }: HostTensor): HostTensor[] {
  const size = shape.reduce((a, b) => a * b, 1);
  return Array.from({ length: length! }, (_, i) => ({ shape, dtype, values: values.slice(i * size, (i + 1) * size) }));
}

/** The first image of a stored batch: one is enough here, and takes half the time. */
function firstOf(host: HostTensor): HostTensor {
  return { ...entries(host)[0]!, shape: [1, ...host.shape.slice(1)] };
}

function readCase(name: string) {
  const { S, eta, options } = readConfig(name) as {
    S: number;
    eta: number;
    options: { unconditional_guidance_scale: number };
  };
  return {
    run: { schedule, steps: S, eta },
    scale: options.unconditional_guidance_scale,
    inputs: readTensors(`${name}/inputs.safetensors`),
    outputs: readTensors(`${name}/outputs.safetensors`),
  };
}

describe("trajectories of the original's samplers", () => {
  // The noise that the original's network predicted follows from the stored x and x_0, so no network runs in these two.
  it.each(['ddim_eta0', 'ddim_eta1'])('%s, from its own predictions', async (name) => {
    const { run, inputs, outputs } = readCase(name);
    const xT = uploadImage(inputs.get('x_T')!);
    const [states, starts] = [entries(outputs.get('x_inter')!), entries(outputs.get('pred_x0')!)];
    const times: number[] = [];
    const denoise: Denoise = (_, t, { index }) => {
      const call = run.steps - 1 - index;
      times.push(t, t);
      const x = call === 0 ? xT : uploadImage(states[call - 1]!);
      const signal = schedule.sqrtAlphasCumprod[t]!;
      return tf.div(tf.sub(x, tf.mul(uploadImage(starts[call]!), signal)), schedule.sqrtOneMinusAlphasCumprod[t]!);
    };
    const stored = inputs.get('noises');
    const noise = stored && replayNoise(entries(stored).map(uploadImage));
    const recorder = recordSteps(1);
    const z = await sampleDdim(denoise, xT, { ...run, noise, onStep: recorder.onStep });
    expectMaxRel(z, outputs.get('z')!, 1e-5);
    expect(recorder.xInter).toHaveLength(states.length);
    for (const [i, x] of recorder.xInter.entries()) expectMaxRel(x, states[i]!, 1e-5);
    for (const [i, x0] of recorder.predX0.entries()) expectMaxRel(x0, starts[i]!, 1e-5);
    expect(times).toEqual([...outputs.get('model_t')!.values]);
  });

  it.each([
    ['ddim_guidance', sampleDdim],
    ['plms_sampler', samplePlms],
  ] as const)('%s, with its network', async (name, sampler) => {
    const { run, scale, inputs, outputs } = readCase(name);
    const context = (key: string) => upload<tf.Rank.R3>(firstOf(inputs.get(key)!));
    const { denoise, calls } = network();
    const uncond = inputs.has('unconditional_context') ? context('unconditional_context') : undefined;
    const model = guided(denoise, { cond: context('context'), uncond, scale });
    const xT = uploadImage(firstOf(inputs.get('x_T')!));
    const recorder = recordSteps(1);
    const z = await sampler(model, xT, { ...run, onStep: recorder.onStep });
    expectMaxRel(z, firstOf(outputs.get('z')!), 1e-4);
    // PLMS lists its start in front.
    const start = name === 'plms_sampler' ? [xT] : [];
    for (const [key, list] of Object.entries({ x_inter: recorder.xInter, pred_x0: recorder.predX0 })) {
      const wanted = entries(outputs.get(key)!).map(firstOf);
      expect(start.length + list.length).toBe(wanted.length);
      for (const [i, image] of [...start, ...list].entries()) expectMaxRel(image, wanted[i]!, 1e-4);
    }
    const modelT = outputs.get('model_t')!;
    expect(calls.map(([t]) => t)).toEqual(entries(modelT).map(({ values }) => values[0]));
    // The stored batch holds two images.
    expect(calls.map((batch) => 2 * batch.length)).toEqual(calls.map(() => modelT.shape[1]));
  });
});

describe("the original's loss", () => {
  it('ldm_text: both loss types and weights', () => {
    const inputs = readTensors('ldm_text/inputs.safetensors');
    const outputs = readTensors('ldm_text/outputs.safetensors');
    const { losses } = readConfig('ldm_text') as {
      losses: Record<string, { loss_type: LossType; original_elbo_weight: number; l_simple_weight: number }>;
    };
    const [x0, noise] = [uploadImage(inputs.get('x0')!), uploadImage(inputs.get('noise')!)];
    const t = upload<tf.Rank.R1>(inputs.get('t')!);
    const output = network().predict(qSample(schedule, x0, t, noise), t, upload(outputs.get('c')!));
    for (const [name, { loss_type, original_elbo_weight, l_simple_weight }] of Object.entries(losses)) {
      const got = pLosses(
        schedule,
        { x0, t, noise, output },
        { lossType: loss_type, originalElboWeight: original_elbo_weight, lSimpleWeight: l_simple_weight },
      );
      const named = { loss: got.loss, loss_returned: got.loss, loss_simple: got.lossSimple, loss_vlb: got.lossVlb };
      let compared = 0;
      for (const [key, value] of Object.entries(named)) {
        const wanted = outputs.get(`${name}.${key}`);
        if (!wanted) continue;
        expectMaxRel(value, wanted, 3e-5);
        compared++;
      }
      expect(compared).toBeGreaterThanOrEqual(2);
    }
  });
});
