import {
  COMPOSE_TARGETS,
  type ComposeInputs,
  type ComposeOptions,
  type MixEvent,
  sampleConfidence,
} from '@codiff/codiff';
import type { Params, StepEvent } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import type { HostTensor } from '../cases/host-tensor.js';
import { fromImage, stack } from '../cases/layout.js';
import { BRANCHES, buildCompose } from '../models/build-compose.js';
import { defineKind, type Outputs } from './kind.js';
import { mixFields } from './mix-options.js';
import { storedNoise } from './stored-noise.js';

const { confidence_input: _, ...samplerFields } = mixFields;

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  sampler: z.literal('ldm.models.diffusion.ddim_confidence.DDIMConfidenceSampler'),
  S: z.number().int().positive(),
  eta: z.number().min(0),
  /** Those left out have the sampler's defaults, which are not the model's. */
  options: z.strictObject(samplerFields).partial().prefault({}),
});

/** Kind `codiff_sampler`: a collaborative trajectory, step by step, with what every branch said. */
export const codiffSampler = defineKind('codiff_sampler', fields, async (config, context) => {
  const { inputs, call } = context;
  const caseModel = context.model(config.model, config.model_files, COMPOSE_TARGETS.latentDiffusionCompose);
  const { model, specs } = buildCompose(caseModel);
  const params = context.weights(specs);
  const embeddings = Object.fromEntries(
    BRANCHES.map((branch) => [branch, inputs.tensor(`cond.${branch}`) as tf.Tensor3D]),
  );
  const contexts = call((p: Params, given: typeof embeddings) => model.contextKeys(p, given))(params, embeddings);

  const steps: Record<string, HostTensor[]> = {};
  const keep = async (name: string, tensor: tf.Tensor): Promise<void> => {
    steps[name] ??= [];
    steps[name].push(await fromImage(tensor));
  };
  const { seg_mask_scale_factor, seg_mask_schedule, softmax_twice, boost_factor, manual_prob } = config.options;
  const z = await sampleConfidence(model, params, contexts, inputs.image('x_T'), {
    steps: config.S,
    eta: config.eta,
    noise: storedNoise(inputs, 'noises', config.eta),
    segMaskScaleFactor: seg_mask_scale_factor,
    segMaskSchedule: seg_mask_schedule,
    softmaxTwice: softmax_twice,
    boostFactor: boost_factor,
    manualProb: manual_prob,
    step: call((p: Params, given: ComposeInputs, options: ComposeOptions) => model.mix(p, given, options)),
    onMix: async ({ influence, branches }: MixEvent) => {
      for (const branch of BRANCHES) {
        await keep(`${branch}_confidence_map`, influence[branch]!);
        await keep(`${branch}_unet_output`, branches[branch]!);
      }
    },
    onStep: async ({ x, predX0 }: StepEvent) => {
      await keep('x_inter', x);
      await keep('pred_x0', predX0);
    },
  });
  const outputs: Outputs = new Map(Object.entries(steps).map(([name, list]) => [name, stack(list)]));
  outputs.set('z', await fromImage(z));
  const decode = call((p: Params, latents: tf.Tensor4D) => model.decodeFirstStage(p, latents));
  if (context.wants('decoded')) outputs.set('decoded', await fromImage(decode(params, z)));
  return outputs;
});
