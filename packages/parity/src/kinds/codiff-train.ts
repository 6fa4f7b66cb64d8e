import { COMPOSE_TARGETS, type ComposeBatch } from '@codiff/codiff';
import { initOptimState, type OptimState, type Params, valueAndGrads } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields, Optimizer, ZeroGradient } from '../cases/case-form.js';
import { sizeOf } from '../cases/host-tensor.js';
import { fromTensor } from '../cases/layout.js';
import { matchesPattern } from '../cases/pattern.js';
import { BRANCHES, buildCompose } from '../models/build-compose.js';
import { checkZeroGradients, putParams } from './gradients.js';
import { type CaseContext, defineKind, type Outputs } from './kind.js';
import { MixOptions, mixOptionsOf } from './mix-options.js';
import { optimize, planOf } from './optimizer.js';
import { refuseDropout } from './refuse-dropout.js';

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  options: MixOptions,
  optimizer: Optimizer,
  trainable: z.array(z.string()),
  trainable_params: z.number().int().positive().optional(),
  frozen_params: z.number().int().min(0).optional(),
  zero_gradient: ZeroGradient.optional(),
});

/** Kind `codiff_train`: one step of training the dynamic diffusers; all else stays as it is, bit by bit. */
export const codiffTrain = defineKind('codiff_train', fields, async (config, context) => {
  const { inputs, call, check } = context;
  const caseModel = context.model(config.model, config.model_files, COMPOSE_TARGETS.latentDiffusionCompose);
  const { model, specs } = buildCompose(caseModel);
  refuseDropout(
    model.unet.predictorConfig.dropout,
    'compose_unet_config.params.confidence_map_predictor_config.dropout',
  );
  const options = mixOptionsOf(config.options, model);
  const params = context.weights(specs);
  const isTrained = (key: string): boolean =>
    specs.get(key)!.kind === 'parameter' && config.trainable.some((pattern) => matchesPattern(pattern, key));
  const trained = params.filter(isTrained);
  const plan = planOf(config.optimizer, trained.keys());
  const batch: ComposeBatch = {
    x0: inputs.image('x0'),
    noise: inputs.image('noise'),
    t: inputs.steps('t'),
    embeddings: Object.fromEntries(BRANCHES.map((branch) => [branch, inputs.tensor(`cond.${branch}`) as tf.Tensor3D])),
  };
  const gradients = call((p: Params, leaves: Params, given: ComposeBatch) =>
    valueAndGrads((current) => model.losses(p.merge(current), given, options), leaves),
  );
  const { value, grads } = gradients(params, trained, batch);
  const outputs: Outputs = new Map([
    ['loss', await fromTensor(value.loss)],
    ['loss_simple', await fromTensor(value.lossSimple)],
    ['loss_vlb', await fromTensor(value.lossVlb)],
  ]);
  await putParams('grad.', grads, specs, context, outputs);
  if (config.zero_gradient) await checkZeroGradients(config.zero_gradient, grads, context);

  const before = await valuesOf(params);
  const step = call((p: Params, g: Params, s: OptimState) => optimize(config.optimizer, p, g, s, plan));
  const after = step(params, grads, initOptimState(params, plan)).params;
  await putParams('after1.', after, specs, context, outputs);

  const sizes = { trainable: 0, frozen: 0 };
  for (const { key, shape, kind } of specs.values()) {
    if (kind === 'parameter') sizes[isTrained(key) ? 'trainable' : 'frozen'] += sizeOf(shape);
  }
  for (const name of ['trainable', 'frozen'] as const) {
    const wanted = config[`${name}_params`];
    if (wanted === undefined) continue;
    const error = Math.abs(sizes[name] - wanted);
    check(`${name}_params`, { ok: error === 0, error, limit: 0 });
  }
  await checkUntouched(before, after, (key) => !isTrained(key), check);
  return outputs;
});

type Values = ReadonlyMap<string, ArrayLike<number>>;

async function valuesOf(params: Params): Promise<Values> {
  const values = new Map<string, ArrayLike<number>>();
  for (const [key, tensor] of params) values.set(key, (await tensor.data()).slice());
  return values;
}

/** Hold every tensor that must not train against what it was. */
async function checkUntouched(
  before: Values,
  after: Params,
  isFrozen: (key: string) => boolean,
  check: CaseContext['check'],
): Promise<void> {
  const changed: string[] = [];
  const now = await valuesOf(after);
  for (const [key, values] of before) {
    const held = now.get(key);
    const same = held?.length === values.length && Array.prototype.every.call(held, (value, i) => value === values[i]);
    if (isFrozen(key) && !same) changed.push(key);
  }
  const note = changed.length > 0 ? { note: `changed: ${changed.slice(0, 5).join(', ')}` } : {};
  check('frozen', { ok: changed.length === 0, error: changed.length, limit: 0, ...note });
}
