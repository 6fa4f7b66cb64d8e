import {
  embeddingOf,
  embeddingStep,
  interpolate,
  type NoiseDraw,
  reconstructionError,
  startEmbedding,
  startTuning,
  type TuneState,
  weightsStep,
} from '@codiff/codiff';
import { type Denoise, Params, sampleDdim, samplePlms, TARGETS, valueAndGrad } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields, Optimizer } from '../cases/case-form.js';
import type { Inputs } from '../cases/inputs.js';
import { fromImage, fromTensor } from '../cases/layout.js';
import { matchesPattern } from '../cases/pattern.js';
import { buildTextLatentDiffusion } from '../models/build.js';
import { putParams } from './gradients.js';
import { defineKind, type Outputs } from './kind.js';
import { optimize, planOf } from './optimizer.js';
import { refuseDropout } from './refuse-dropout.js';
import { storedNoise } from './stored-noise.js';

const DDIM = 'ldm.models.diffusion.ddim.DDIMSampler';
const PLMS = 'ldm.models.diffusion.plms.PLMSSampler';

const stage = { steps: z.number().int().positive(), optimizer: Optimizer };

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  stage_a: z.strictObject(stage),
  stage_b: z.strictObject({ ...stage, trainable: z.array(z.string()) }),
  alphas: z.record(z.string(), z.number()),
  stage_c: z.strictObject({
    alpha: z.number(),
    sampler: z.enum([DDIM, PLMS]),
    S: z.number().int().positive(),
    eta: z.number().min(0),
  }),
});

/** Kind `imagic`: the embedding is tuned, then the UNet, then an edit is sampled between both embeddings. */
export const imagic = defineKind('imagic', fields, async (config, context) => {
  const { inputs, call } = context;
  const { stage_a: a, stage_b: b, stage_c: c } = config;
  if (c.sampler === PLMS && c.eta !== 0) throw new Error(`field 'stage_c.eta': PLMS takes 0 only, not ${c.eta}`);
  const caseModel = context.model(config.model, config.model_files, TARGETS.latentDiffusion);
  const { model, specs } = buildTextLatentDiffusion(caseModel);
  refuseDropout(model.model.unet.config.dropout, 'unet_config.params.dropout');
  const params = context.weights(specs);
  const x0 = inputs.image('init_latent');
  const outputs: Outputs = new Map();

  const encode = call((p: Params, ids: tf.Tensor) => model.condition(p, ids) as tf.Tensor3D);
  const target = encode(params, inputs.ids('tokens'));
  outputs.set('emb_tgt', await fromTensor(target));

  let embedding = startEmbedding(target);
  const updateA = optimizerOf(a.optimizer, embedding.trained.keys());
  const stepA = call((state: TuneState, p: Params, x0: tf.Tensor4D, draw: NoiseDraw) =>
    embeddingStep(model, state, { p, x0, draw }, updateA),
  );
  if (context.wants('a.emb_grad0')) {
    const gradient = call((p: Params, emb: tf.Tensor3D, x0: tf.Tensor4D, draw: NoiseDraw) => {
      const loss = (leaves: Params) => reconstructionError(model, p, x0, leaves.get('emb') as tf.Tensor3D, draw);
      return valueAndGrad(loss, new Params([['emb', emb]])).grads;
    });
    const grads = gradient(params, target, x0, drawOf(inputs, 'a', 0));
    outputs.set('a.emb_grad0', await fromTensor(grads.get('emb')!));
  }
  for (let i = 0; i < a.steps; i++) {
    const { state, loss } = stepA(embedding, params, x0, drawOf(inputs, 'a', i));
    outputs.set(`a.loss${i}`, await fromTensor(loss));
    embedding = state;
  }
  const optimized = embeddingOf(embedding);
  outputs.set('emb_opt', await fromTensor(optimized));

  for (const [name, alpha] of Object.entries(config.alphas)) {
    outputs.set(`interp.${name}`, await fromTensor(interpolate(target, optimized, alpha)));
  }

  const isTrained = (key: string): boolean =>
    specs.get(key)!.kind === 'parameter' && b.trainable.some((pattern) => matchesPattern(pattern, key));
  let weights = startTuning(params.filter(isTrained));
  const updateB = optimizerOf(b.optimizer, weights.trained.keys());
  const stepB = call((state: TuneState, p: Params, x0: tf.Tensor4D, embedding: tf.Tensor3D, draw: NoiseDraw) =>
    weightsStep(model, state, { p, x0, embedding, draw }, updateB),
  );
  for (let i = 0; i < b.steps; i++) {
    const { state, loss } = stepB(weights, params, x0, optimized, drawOf(inputs, 'b', i));
    outputs.set(`b.loss${i}`, await fromTensor(loss));
    weights = state;
  }
  await putParams('b.after.', weights.trained, specs, context, outputs);

  const tuned = params.merge(weights.trained);
  const between = interpolate(target, optimized, c.alpha);
  const predict = call((p: Params, x: tf.Tensor4D, t: tf.Tensor1D, tokens: tf.Tensor3D) =>
    model.applyModel(p, x, t, tokens),
  );
  const denoise: Denoise = (x, t) => predict(tuned, x, tf.fill([x.shape[0]], t, 'int32') as tf.Tensor1D, between);
  const run = { schedule: model.schedule, steps: c.S };
  const xT = inputs.image('x_T');
  const latents =
    c.sampler === PLMS
      ? await samplePlms(denoise, xT, run)
      : await sampleDdim(denoise, xT, { ...run, eta: c.eta, noise: storedNoise(inputs, 'c.noises', c.eta) });
  outputs.set('c.z', await fromImage(latents));
  return outputs;
});

function optimizerOf(optimizer: Optimizer, keys: Iterable<string>): Parameters<typeof embeddingStep>[3] {
  const plan = planOf(optimizer, keys);
  return (params, grads, optim) => optimize(optimizer, params, grads, optim, plan);
}

function drawOf(inputs: Inputs, stage: 'a' | 'b', i: number): NoiseDraw {
  return { t: inputs.steps(`${stage}.t${i}`), noise: inputs.image(`${stage}.noise${i}`) };
}
