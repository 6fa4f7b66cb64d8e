import { type Params, TARGETS } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import { fromTensor } from '../cases/layout.js';
import { buildBert } from '../models/build.js';
import { readActivations } from './activations.js';
import { defineKind, type Outputs } from './kind.js';

const fields = z.strictObject({ ...commonFields, ...modelFields });

/** Kind `bert_embedder`: token ids to context, and each sublayer's output before its residual. */
export const bertEmbedder = defineKind('bert_embedder', fields, async (config, context) => {
  const { model, specs } = buildBert(context.model(config.model, config.model_files, TARGETS.bert));
  const params = context.weights(specs);
  const forward = context.call((p: Params, ids: tf.Tensor2D) => {
    const kept: Record<string, tf.Tensor> = {};
    const z = model.forward(p, ids, {
      onSublayer: (index, output) => {
        const name = `act.sublayer${index}`;
        if (context.wants(name)) kept[name] = tf.keep(tf.clone(output));
      },
    });
    return { z, kept };
  });
  const { z, kept } = forward(params, context.inputs.ids('tokens') as tf.Tensor2D);
  const outputs: Outputs = new Map([['z', await fromTensor(z)]]);
  await readActivations(kept, outputs);
  return outputs;
});
