import {
  type DenoisingBatch,
  type DiffusionLosses,
  type LatentDiffusion,
  lossTypes,
  type Params,
  predictStartFromNoise,
  pSample,
  qPosterior,
  qSample,
  TARGETS,
  valueAndGrads,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { CaseModel } from '../cases/case-folder.js';
import { commonFields, modelFields, ZeroGradient } from '../cases/case-form.js';
import { fromTensor } from '../cases/layout.js';
import { buildTextLatentDiffusion } from '../models/build.js';
import { readAny } from './activations.js';
import { checkZeroGradients, putParams } from './gradients.js';
import { type CaseContext, defineKind, type Outputs } from './kind.js';
import { refuseDropout } from './refuse-dropout.js';

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  condition_input: z.string(),
  p_samples: z.record(
    z.string(),
    z.strictObject({ t: z.union([z.literal('t'), z.number().int().min(0)]), clip_denoised: z.boolean() }),
  ),
  losses: z.record(
    z.string(),
    z.strictObject({
      mode: z.enum(['train', 'eval']),
      loss_type: z.enum(lossTypes),
      original_elbo_weight: z.number(),
      l_simple_weight: z.number(),
    }),
  ),
  gradient_of: z.string().optional(),
  zero_gradient: ZeroGradient.optional(),
});
type LossEntry = z.output<typeof fields>['losses'][string];

/** Kind `ldm`: the pieces of a latent diffusion model, one by one. */
export const ldm = defineKind('ldm', fields, async (config, context) => {
  const { inputs, call } = context;
  const caseModel = context.model(config.model, config.model_files, TARGETS.latentDiffusion);
  const { model, condStage, specs } = buildTextLatentDiffusion(caseModel);
  if (config.gradient_of !== undefined || Object.values(config.losses).some(({ mode }) => mode === 'train')) {
    refuseDropout(model.model.unet.config.dropout, 'unet_config.params.dropout');
    refuseDropout(condStage.config.embeddingDropout, 'cond_stage_config.params.embedding_dropout');
  }
  const { schedule } = model;
  const params = context.weights(specs);
  const ids = inputs.ids(config.condition_input);
  const [x0, noise, t] = [inputs.image('x0'), inputs.image('noise'), inputs.steps('t')];
  const outputs: Outputs = new Map();
  const put = async (name: string, tensor: tf.Tensor): Promise<void> => {
    if (context.wants(name)) outputs.set(name, await readAny(tensor));
  };

  const c = call((p: Params, ids: tf.Tensor) => model.condition(p, ids))(params, ids);
  await put('c', c);

  if (['z', 'decoded'].some(context.wants)) {
    // Images come as the data loader gives them, NHWC already.
    const image = inputs.tensor('image') as tf.Tensor4D;
    const stages = call((p: Params, image: tf.Tensor4D, noise: tf.Tensor4D) => {
      const z = model.encodeFirstStage(p, image, noise);
      return { z, decoded: model.decodeFirstStage(p, z) };
    })(params, image, inputs.image('first_stage_noise'));
    await put('z', stages.z);
    await put('decoded', stages.decoded);
  }

  const maths = call((x0: tf.Tensor4D, t: tf.Tensor1D, noise: tf.Tensor4D) => {
    // What is noise elsewhere is x_start here, and x0 is x_t: the case says so.
    const posterior = qPosterior(schedule, noise, x0, t);
    return {
      q_sample: qSample(schedule, x0, t, noise),
      predict_start_from_noise: predictStartFromNoise(schedule, x0, t, noise),
      q_posterior_mean: posterior.mean,
      q_posterior_var: posterior.variance,
      q_posterior_logvar: posterior.logVariance,
    };
  });
  for (const [name, tensor] of Object.entries(maths(x0, t, noise))) await put(name, tensor);

  const apply = call((p: Params, x: tf.Tensor4D, t: tf.Tensor1D, c: tf.Tensor) => model.applyModel(p, x, t, c));
  if (context.wants('apply_model')) await put('apply_model', apply(params, x0, t, c));

  for (const [name, { t: at, clip_denoised: clipDenoised }] of Object.entries(config.p_samples)) {
    if (!context.wants(name)) continue;
    const steps = at === 't' ? t : (tf.fill([x0.shape[0]], at, 'int32') as tf.Tensor1D);
    const step = call((output: tf.Tensor4D, x: tf.Tensor4D, t: tf.Tensor1D, noise: tf.Tensor4D) =>
      pSample(schedule, output, x, t, noise, { clipDenoised }),
    );
    const output = apply(params, x0, steps, c);
    await put(name, step(output, x0, steps, inputs.image('p_sample_noise')).xPrev);
  }

  for (const [name, entry] of Object.entries(config.losses)) {
    if (!context.wantsAny(`${name}.`)) continue;
    const variant = withLoss(caseModel, entry);
    const batch = { x0, noise, t, condition: c };
    const losses = call((p: Params, batch: DenoisingBatch) => variant.losses(p, batch))(params, batch);
    await putLosses(name, losses, context, outputs);
  }
  if (config.gradient_of !== undefined) {
    const entry = Object.hasOwn(config.losses, config.gradient_of) ? config.losses[config.gradient_of] : undefined;
    if (entry === undefined) throw new Error(`field 'gradient_of': '${config.gradient_of}' is none of the losses`);
    const variant = withLoss(caseModel, entry);
    const gradients = call((p: Params, trained: Params, ids: tf.Tensor, batch: Omit<DenoisingBatch, 'condition'>) =>
      valueAndGrads((leaves) => {
        const all = p.merge(leaves);
        return variant.losses(all, { ...batch, condition: variant.condition(all, ids) });
      }, trained),
    );
    const isTrained = (key: string) => specs.get(key)!.kind === 'parameter' && !key.startsWith('first_stage_model.');
    const { grads } = gradients(params, params.filter(isTrained), ids, { x0, noise, t });
    await putParams('grad.', grads, specs, context, outputs);
    if (config.zero_gradient) await checkZeroGradients(config.zero_gradient, grads, context);
  }
  return outputs;
});

/** The same model with the arguments of one entry of `losses`. Its keys are the same, so are its weights. */
function withLoss(caseModel: CaseModel, { mode: _, ...loss }: LossEntry): LatentDiffusion {
  return buildTextLatentDiffusion({ ...caseModel, params: { ...caseModel.params, ...loss } }).model;
}

async function putLosses(
  name: string,
  { loss, lossSimple, lossVlb, lossGamma }: DiffusionLosses,
  { wants }: CaseContext,
  outputs: Outputs,
): Promise<void> {
  const parts = { loss_returned: loss, loss, loss_simple: lossSimple, loss_vlb: lossVlb, loss_gamma: lossGamma };
  for (const [part, tensor] of Object.entries(parts)) {
    const output = `${name}.${part}`;
    if (tensor !== undefined && wants(output)) outputs.set(output, await fromTensor(tensor));
  }
}
