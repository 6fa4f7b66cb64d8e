import {
  lossTypes,
  type Params,
  pLosses,
  posteriorOf,
  predictStartFromNoise,
  pSample,
  qPosterior,
  qSample,
  samplePosterior,
  TARGETS,
  valueAndGrads,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields, ZeroGradient } from '../cases/case-form.js';
import { fromTensor } from '../cases/layout.js';
import { buildLatentDiffusion, type LatentParts } from '../models/latent-diffusion.js';
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
type Losses = z.output<typeof fields>['losses'];

/** Kind `ldm`: the pieces of a latent diffusion model, one by one. */
export const ldm = defineKind('ldm', fields, async (config, context) => {
  const { inputs, call } = context;
  const parts = buildLatentDiffusion(context.model(config.model, config.model_files, TARGETS.latentDiffusion));
  if (config.gradient_of !== undefined || Object.values(config.losses).some(({ mode }) => mode === 'train')) {
    refuseDropout(parts.unet.config.dropout, 'unet_config.params.dropout');
    refuseDropout(parts.condStage.config.embeddingDropout, 'cond_stage_config.params.embedding_dropout');
  }
  const { unet, firstStage, schedule, config: ldmConfig } = parts;
  const params = context.weights(parts.specs);
  const ids = inputs.ids(config.condition_input) as tf.Tensor2D;
  const [x0, noise, t] = [inputs.image('x0'), inputs.image('noise'), inputs.steps('t')];
  const outputs: Outputs = new Map();
  const put = async (name: string, tensor: tf.Tensor): Promise<void> => {
    if (context.wants(name)) outputs.set(name, await readAny(tensor));
  };

  const c = call((p: Params, ids: tf.Tensor2D) => parts.condStage.forward(p, ids))(params, ids);
  await put('c', c);

  if (['z', 'decoded'].some(context.wants)) {
    // The original's images are NHWC here, as its data loader gives them.
    const image = inputs.tensor('image') as tf.Tensor4D;
    const firstStageNoise = inputs.image('first_stage_noise');
    const encode = call((p: Params, image: tf.Tensor4D, noise: tf.Tensor4D) => {
      const q = posteriorOf(firstStage.encodeMoments(p, image));
      const z = tf.mul<tf.Tensor4D>(samplePosterior(q, noise), ldmConfig.scaleFactor);
      return { z, decoded: firstStage.decode(p, tf.div<tf.Tensor4D>(z, ldmConfig.scaleFactor)) };
    });
    const { z, decoded } = encode(params, image, firstStageNoise);
    await put('z', z);
    await put('decoded', decoded);
  }

  const maths = call((x0: tf.Tensor4D, t: tf.Tensor1D, noise: tf.Tensor4D) => {
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

  const apply = call((p: Params, x: tf.Tensor4D, t: tf.Tensor1D, c: tf.Tensor3D) =>
    unet.forward(p, { x, t, context: c }),
  );
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

  await computeLosses(config.losses, parts, params, { x0, noise, t, c }, context, outputs);
  const { gradient_of: of, zero_gradient: zeroGradient } = config;
  if (of !== undefined) {
    const chosen = config.losses[of];
    if (chosen === undefined) throw new Error(`field 'gradient_of': '${of}' is none of the losses`);
    const gradients = call(
      (p: Params, trained: Params, ids: tf.Tensor2D, x0: tf.Tensor4D, t: tf.Tensor1D, noise: tf.Tensor4D) =>
        valueAndGrads((leaves) => {
          const all = p.merge(leaves);
          return lossesOf(chosen, parts, all, { x0, noise, t, c: parts.condStage.forward(all, ids) });
        }, trained),
    );
    // The first stage has no part in the loss: it runs before, without a gradient.
    const trained = params.filter(
      (key) => parts.specs.get(key)!.kind === 'parameter' && !key.startsWith('first_stage_model.'),
    );
    const { grads } = gradients(params, trained, ids, x0, t, noise);
    await putParams('grad.', grads, parts.specs, context, outputs);
    if (zeroGradient) await checkZeroGradients(zeroGradient, grads, context);
  }
  return outputs;
});

interface Batch {
  readonly x0: tf.Tensor4D;
  readonly noise: tf.Tensor4D;
  readonly t: tf.Tensor1D;
  readonly c: tf.Tensor3D;
}

async function computeLosses(
  losses: Losses,
  parts: LatentParts,
  params: Params,
  batch: Batch,
  { call, wants, wantsAny }: CaseContext,
  outputs: Outputs,
): Promise<void> {
  for (const [name, entry] of Object.entries(losses)) {
    if (!wantsAny(`${name}.`)) continue;
    const values = call((p: Params, batch: Batch) => lossesOf(entry, parts, p, batch))(params, batch);
    const named = {
      loss_returned: values.loss,
      loss: values.loss,
      loss_simple: values.lossSimple,
      loss_vlb: values.lossVlb,
      loss_gamma: values.lossGamma,
    };
    for (const [part, tensor] of Object.entries(named)) {
      const output = `${name}.${part}`;
      if (tensor !== undefined && wants(output)) outputs.set(output, await fromTensor(tensor));
    }
  }
}

function lossesOf(entry: Losses[string], parts: LatentParts, p: Params, { x0, noise, t, c }: Batch) {
  const { schedule } = parts;
  const output = parts.unet.forward(p, { x: qSample(schedule, x0, t, noise), t, context: c });
  return pLosses(
    schedule,
    { x0, t, noise, output, logvar: parts.config.logvarInit },
    {
      lossType: entry.loss_type,
      originalElboWeight: entry.original_elbo_weight,
      lSimpleWeight: entry.l_simple_weight,
    },
  );
}
