import {
  klDivergence,
  negativeLogLikelihood,
  type Params,
  posteriorOf,
  posteriorStd,
  posteriorVariance,
  samplePosterior,
  TARGETS,
} from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import { buildFirstStage } from '../models/build.js';
import { keepActivations, readActivations, readAny } from './activations.js';
import { defineKind, type Outputs } from './kind.js';

const fields = z.strictObject({ ...commonFields, ...modelFields });

/** Kind `vae_autoencoder`: posterior of an image, samples, likelihoods, and the way back. */
export const vaeAutoencoder = defineKind('vae_autoencoder', fields, async (config, context) => {
  const { inputs, call } = context;
  const { model, specs } = buildFirstStage(context.model(config.model, config.model_files, TARGETS.autoencoder));
  const params = context.weights(specs);
  const run = call((p: Params, x: tf.Tensor4D, noise: tf.Tensor4D, sampleNoise: tf.Tensor4D) => {
    const { kept, observe } = keepActivations({
      wants: (name) => context.wants(name) || (name === 'act.encoder' && context.wants('encoder_out')),
    });
    const moments = model.encodeMoments(p, x, { onActivation: observe });
    const q = posteriorOf(moments);
    const z = samplePosterior(q, noise);
    const dec = model.decode(p, z, { onActivation: observe });
    return {
      kept,
      named: {
        moments,
        mean: q.mean,
        logvar: q.logvar,
        std: posteriorStd(q),
        var: posteriorVariance(q),
        kl: klDivergence(q),
        mode: q.mean,
        sample: samplePosterior(q, sampleNoise),
        z,
        nll_of_z: negativeLogLikelihood(q, z),
        dec,
      },
    };
  });
  const { named, kept } = run(params, inputs.image('x'), inputs.image('noise'), inputs.image('sample_noise'));
  const outputs: Outputs = new Map();
  for (const [name, tensor] of Object.entries(named)) outputs.set(name, await readAny(tensor));
  await readActivations(kept, outputs);
  const encoderOut = outputs.get('act.encoder');
  if (encoderOut !== undefined) outputs.set('encoder_out', encoderOut);
  return outputs;
});
