import {
  type AutoencoderKL,
  discriminatorPass,
  type GanLoss,
  generatorPass,
  klDivergence,
  type LPIPSWithDiscriminator,
  type ParamSpec,
  type Params,
  TARGETS,
  valueAndGrads,
} from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import { fromTensor } from '../cases/layout.js';
import { buildGanAutoencoder } from '../models/build.js';
import { toFileLayout } from '../weights/resolve.js';
import { readAny } from './activations.js';
import { type CaseContext, defineKind, type Outputs } from './kind.js';
import { refuseDropout } from './refuse-dropout.js';

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  modes: z.array(z.enum(['train', 'eval'])),
  global_steps: z.array(z.number().int().min(0)),
});

type Vae = AutoencoderKL<LPIPSWithDiscriminator>;

const DISCRIMINATOR = 'loss.discriminator.';

/** Kind `vae_gan_loss`: both passes over a batch, in training and evaluation, before and after the discriminator counts. */
export const vaeGanLoss = defineKind('vae_gan_loss', fields, async (config, context) => {
  const { inputs, call } = context;
  const caseModel = context.model(config.model, config.model_files, TARGETS.autoencoder);
  const { model, specs } = buildGanAutoencoder(caseModel);
  if (config.modes.includes('train')) refuseDropout(dropoutOf(caseModel.params), 'ddconfig.dropout');
  const params = context.weights(specs);
  const images = inputs.image('x');
  const noise = inputs.image('noise');
  const outputs: Outputs = new Map();

  const passes = {
    ae: passOf(model, generatorPass, context),
    disc: passOf(model, discriminatorPass, context),
  };
  const isTrained = {
    ae: (key: string) => !key.startsWith('loss.') || key === 'loss.logvar',
    disc: (key: string) => key.startsWith(DISCRIMINATOR),
  };
  const isReset = (key: string) => key.startsWith(DISCRIMINATOR) && specs.get(key)!.kind === 'buffer';
  const firstBuffers = params.filter(isReset);
  let current = params;
  for (const mode of config.modes) {
    for (const globalStep of config.global_steps) {
      // The discriminator's buffers start anew here, and go from the first pass into the second. Parameters that a batch
      // sets (ActNorm's, in training) are no buffers: they stay set, until the flag's reset lets the next batch set them.
      current = current.merge(firstBuffers);
      for (const pass of ['ae', 'disc'] as const) {
        const trained = current.filter((key) => specs.get(key)!.kind === 'parameter' && isTrained[pass](key));
        const discFactor = model.loss.discFactorAt(globalStep);
        const { value, grads } = passes[pass](current, trained, images, noise, discFactor, mode === 'train');
        current = current.merge(value.buffers);
        const prefix = `${mode}.gs${globalStep}.${pass}.`;
        const stored = { value, grads, buffers: pass === 'disc' ? current : undefined };
        await putPass(prefix, stored, specs, context, outputs);
      }
    }
  }

  const look = call((p: Params, x: tf.Tensor4D) => {
    const posterior = model.encode(p, x);
    const rec = model.decode(p, posterior.mean);
    return {
      kl: klDivergence(posterior),
      rec_mode: rec,
      lpips: model.loss.perceptual.forward(p, x, rec),
      disc_logits_eval: model.loss.discriminator.forward(p, x),
      disc_logits_train: model.loss.discriminator.forwardTrain(p, x).logits,
    };
  });
  for (const [name, tensor] of Object.entries(look(current.merge(firstBuffers), images)))
    outputs.set(name, await readAny(tensor));
  return outputs;
});

/** The dropout of an autoencoder's config, which has passed its own check. */
export function dropoutOf(params: unknown): number {
  const read = z.looseObject({ ddconfig: z.looseObject({ dropout: z.number().default(0) }) });
  return read.parse(params).ddconfig.dropout;
}

/** A pass with the gradients of its loss by `trained`, a part of `p`. */
function passOf(vae: Vae, pass: typeof generatorPass, { call }: CaseContext) {
  return call(
    (p: Params, trained: Params, images: tf.Tensor4D, noise: tf.Tensor4D, discFactor: number, train: boolean) =>
      valueAndGrads((leaves) => pass(vae, p.merge(leaves), { images, noise, discFactor, train }), trained),
  );
}

async function putPass(
  prefix: string,
  { value, grads, buffers }: { value: GanLoss; grads: Params; buffers: Params | undefined },
  specs: ReadonlyMap<string, ParamSpec>,
  { wants }: CaseContext,
  outputs: Outputs,
): Promise<void> {
  const put = async (name: string, key: string, tensor: tf.Tensor): Promise<void> => {
    if (wants(prefix + name)) outputs.set(prefix + name, await toFileLayout(specs.get(key)!, tensor));
  };
  outputs.set(`${prefix}loss`, await fromTensor(value.loss));
  for (const [name, scalar] of Object.entries(value.logs)) outputs.set(prefix + name, await fromTensor(scalar));
  // Gradients of the second pass, and buffers, go by the discriminator's own keys.
  for (const [key, grad] of grads) await put(`grad.${key.replace(DISCRIMINATOR, '')}`, key, grad);
  for (const [key, tensor] of buffers ?? []) {
    if (key.startsWith(DISCRIMINATOR) && specs.get(key)!.kind === 'buffer')
      await put(`buffers_after.${key.slice(DISCRIMINATOR.length)}`, key, tensor);
  }
}
