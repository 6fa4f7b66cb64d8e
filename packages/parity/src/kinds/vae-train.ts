import { type Params, TARGETS } from '@codiff/ldm-core';
import { divideVae, type TrainState, type UpdateOptions, type VaeBatch, vaeStep } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields, Optimizer } from '../cases/case-form.js';
import { fromTensor } from '../cases/layout.js';
import { buildGanAutoencoder } from '../models/build.js';
import { putParams } from './gradients.js';
import { defineKind, type Outputs } from './kind.js';
import { planOf } from './optimizer.js';
import { refuseDropout } from './refuse-dropout.js';
import { dropoutOf } from './vae-gan-loss.js';

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  steps: z.number().int().positive(),
  optimizer: Optimizer,
});

/** What the trainer logs of each pass, by the names that the kind gives the passes. */
const LOSSES = { ae: 'train/total_loss', disc: 'train/disc_loss' } as const;

/** Kind `vae_train`: a few batches of the trainer's loop over an autoencoder and its discriminator. */
export const vaeTrain = defineKind('vae_train', fields, async (config, context) => {
  const { inputs, call } = context;
  const caseModel = context.model(config.model, config.model_files, TARGETS.autoencoder);
  const { model, specs } = buildGanAutoencoder(caseModel);
  refuseDropout(dropoutOf(caseModel.params), 'ddconfig.dropout');
  const { optimizer, steps } = config;
  const planFor = (isTrained: (key: string) => boolean) =>
    planOf(
      optimizer,
      [...specs.values()].flatMap(({ key, kind }) => (kind === 'parameter' && isTrained(key) ? [key] : [])),
    );
  const plans = {
    autoencoder: planFor((key) => !key.startsWith('loss.')),
    discriminator: planFor((key) => key.startsWith('loss.discriminator.')),
  };
  // AdamW's decay is in the plans.
  const options: UpdateOptions = { l2: optimizer.kind === 'Adam' ? optimizer.weight_decay : 0 };
  const step = call((state: TrainState, frozen: Params, batch: VaeBatch, globalStep: tf.Scalar, lrScale: tf.Scalar) =>
    vaeStep(model, plans, options, state, frozen, batch, { globalStep, lrScale, update: true }),
  );

  const outputs: Outputs = new Map();
  const divided = divideVae(context.weights(specs), specs, plans, options);
  const { frozen } = divided;
  let state: TrainState = divided.state;
  for (let i = 0; i < steps; i++) {
    const noise = { autoencoder: inputs.image(`noise${i}.ae`), discriminator: inputs.image(`noise${i}.disc`) };
    const batch = { images: inputs.tensor(`image${i}`) as tf.Tensor4D, noise };
    const [next, logs] = step(state, frozen, batch, tf.scalar(i, 'int32'), tf.scalar(1));
    state = next;
    for (const [pass, name] of Object.entries(LOSSES)) outputs.set(`loss${i}.${pass}`, await fromTensor(logs[name]!));
  }
  for (const tensors of [state.buffers, ...Object.values(state.groups).map(({ params }) => params)]) {
    await putParams(`after${steps}.`, tensors, specs, context, outputs);
  }
  await putParams(`after${steps}.`, frozen, specs, context, outputs);
  return outputs;
});
