import { type Denoise, guided, type Params, type StepEvent, sampleDdim, samplePlms, TARGETS } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import type { HostTensor } from '../cases/host-tensor.js';
import { fromImage, stack } from '../cases/layout.js';
import { buildTextLatentDiffusion } from '../models/build.js';
import { defineKind, type Outputs } from './kind.js';
import { storedNoise } from './stored-noise.js';

const DDIM = 'ldm.models.diffusion.ddim.DDIMSampler';
const PLMS = 'ldm.models.diffusion.plms.PLMSSampler';

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  sampler: z.enum([DDIM, PLMS]),
  S: z.number().int().positive(),
  eta: z.number().min(0),
  options: z
    .strictObject({
      unconditional_guidance_scale: z.number().default(1),
      temperature: z.number().default(1),
      noise_dropout: z.literal(0, 'needs random draws that no case holds').default(0),
    })
    .prefault({}),
});

/** Kind `sampler`: a whole trajectory, step by step, and the timesteps of the model calls. */
export const sampler = defineKind('sampler', fields, async (config, context) => {
  const { inputs, call } = context;
  for (const name of ['mask', 'x0']) {
    if (inputs.has(name)) throw new Error(`input '${name}': inpainting is not among the options of this kind`);
  }
  if (config.sampler === PLMS && config.eta !== 0) throw new Error(`field 'eta': PLMS takes 0 only, not ${config.eta}`);

  const caseModel = context.model(config.model, config.model_files, TARGETS.latentDiffusion);
  const { model, specs } = buildTextLatentDiffusion(caseModel);
  const params = context.weights(specs);
  const { unconditional_guidance_scale: scale, temperature } = config.options;
  const xT = inputs.image('x_T');
  const cond = inputs.tensor('context') as tf.Tensor3D;
  const isGuided = scale !== 1 && inputs.has('unconditional_context');

  const predict = call((p: Params, x: tf.Tensor4D, t: tf.Tensor1D, tokens: tf.Tensor3D) =>
    model.applyModel(p, x, t, tokens),
  );
  const modelT: HostTensor[] = [];
  const denoise: Denoise = guided(
    (x, t, tokens: tf.Tensor3D) => {
      const batch = x.shape[0];
      modelT.push({ shape: [batch], values: new Int32Array(batch).fill(t) });
      return predict(params, x, tf.fill([batch], t, 'int32') as tf.Tensor1D, tokens);
    },
    isGuided ? { cond, uncond: inputs.tensor('unconditional_context') as tf.Tensor3D, scale } : { cond },
  );

  const steps: { x: HostTensor[]; predX0: HostTensor[] } = { x: [], predX0: [] };
  const onStep = async ({ x, predX0 }: StepEvent): Promise<void> => {
    steps.x.push(await fromImage(x));
    steps.predX0.push(await fromImage(predX0));
  };
  if (config.sampler === PLMS) {
    // The original's PLMS opens both lists with the start.
    const start = await fromImage(xT);
    steps.x.push(start);
    steps.predX0.push(start);
  }
  const run = { schedule: model.schedule, steps: config.S, onStep };
  const latents =
    config.sampler === PLMS
      ? await samplePlms(denoise, xT, run)
      : await sampleDdim(denoise, xT, {
          ...run,
          eta: config.eta,
          temperature,
          noise: storedNoise(inputs, 'noises', config.eta),
        });
  const outputs: Outputs = new Map([
    ['z', await fromImage(latents)],
    ['x_inter', stack(steps.x)],
    ['pred_x0', stack(steps.predX0)],
    ['model_t', stack(modelT)],
  ]);
  return outputs;
});
