import {
  emaName,
  emaUpdate,
  initEma,
  initOptimState,
  type OptimState,
  type Params,
  TARGETS,
  valueAndGrads,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields, Optimizer, ZeroGradient } from '../cases/case-form.js';
import { hostScalar } from '../cases/host-tensor.js';
import { fromTensor } from '../cases/layout.js';
import { buildUnet } from '../models/build.js';
import { toFileLayout } from '../weights/resolve.js';
import { checkZeroGradients, putParams } from './gradients.js';
import { defineKind, type Outputs } from './kind.js';
import { optimize, planOf } from './optimizer.js';
import { refuseDropout } from './refuse-dropout.js';
import { contextOf } from './unet.js';

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  steps: z.number().int().positive(),
  loss: z.literal('mse'),
  optimizer: Optimizer,
  ema: z.strictObject({ decay: z.number().min(0).max(1), use_num_updates: z.boolean() }).optional(),
  zero_gradient: ZeroGradient.optional(),
});

/** Kind `unet_train`: a few steps of training, with the moving average after each. */
export const unetTrain = defineKind('unet_train', fields, async (config, context) => {
  const { inputs, call } = context;
  const { model, specs } = buildUnet(context.model(config.model, config.model_files, TARGETS.unet));
  refuseDropout(model.config.dropout, 'dropout');
  const { optimizer, steps } = config;
  const plan = planOf(optimizer, specs.keys());
  const outputs: Outputs = new Map();

  let params = context.weights(specs);
  let state: OptimState = initOptimState(params, plan);
  const decay = config.ema?.decay ?? 1;
  let ema = initEma(params, { useNumUpdates: config.ema?.use_num_updates ?? true });

  const gradients = call(
    (p: Params, x: tf.Tensor4D, t: tf.Tensor1D, tokens: tf.Tensor3D | undefined, target: tf.Tensor4D) =>
      valueAndGrads((leaves) => {
        const y = model.forward(leaves, { x, t, context: tokens });
        return { loss: tf.mean<tf.Scalar>(tf.square(tf.sub(target, y))) };
      }, p),
  );
  const step = call((p: Params, grads: Params, s: OptimState) => optimize(optimizer, p, grads, s, plan));
  const average = call((e: typeof ema, p: Params) => emaUpdate(e, p, decay));

  for (let i = 0; i < steps; i++) {
    const tokens = contextOf(model, inputs, `context${i}`);
    const { value, grads } = gradients(
      params,
      inputs.image(`x${i}`),
      inputs.steps(`t${i}`),
      tokens,
      inputs.image(`target${i}`),
    );
    outputs.set(`loss${i}`, await fromTensor(value.loss));
    if (i === 0) {
      await putParams('grad.', grads, specs, context, outputs);
      if (config.zero_gradient) await checkZeroGradients(config.zero_gradient, grads, context);
    }
    ({ params, state } = step(params, grads, state));
    ema = average(ema, params);
    if (i === 0) await putParams('step1.', params, specs, context, outputs);
  }
  await putParams(`after${steps}.`, params, specs, context, outputs);
  if (config.ema !== undefined) {
    const prefix = `ema${steps}.`;
    outputs.set(`${prefix}decay`, hostScalar(Math.fround(decay)));
    outputs.set(`${prefix}num_updates`, await fromTensor(ema.numUpdates));
    for (const [key, tensor] of ema.shadow) {
      const name = prefix + emaName(key);
      if (context.wants(name)) outputs.set(name, await toFileLayout(specs.get(key)!, tensor));
    }
  }
  return outputs;
});
