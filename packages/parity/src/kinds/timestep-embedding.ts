import { timestepEmbedding } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields } from '../cases/case-form.js';
import { fromTensor, toTensor } from '../cases/layout.js';
import { defineKind, type Outputs } from './kind.js';

const fields = z.strictObject({
  ...commonFields,
  max_period: z.number().positive(),
  embeddings: z.record(
    z.string(),
    z.strictObject({ form: z.enum(['unet', 'vae']), dim: z.number().int().positive(), input: z.string() }),
  ),
});

/** Kind `timestep_embedding`: one output an entry. The vae form knows no period but 10000. */
export const timestepEmbeddings = defineKind('timestep_embedding', fields, async (config, { inputs, wants, call }) => {
  const outputs: Outputs = new Map();
  for (const [name, { form, dim, input }] of Object.entries(config.embeddings)) {
    const t = inputs.host(input); // must be there even if the output is not stored
    if (!wants(name)) continue;
    const options = form === 'unet' ? { form, maxPeriod: config.max_period } : { form };
    const embed = call((t: tf.Tensor1D) => timestepEmbedding(t, dim, options));
    outputs.set(name, await fromTensor(embed(toTensor(t) as tf.Tensor1D)));
  }
  return outputs;
});
