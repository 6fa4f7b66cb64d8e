import { COMPOSE_TARGETS, type Contexts } from '@codiff/codiff';
import type { Params } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import { fromImage, fromTensor } from '../cases/layout.js';
import { BRANCHES, buildCompose } from '../models/build-compose.js';
import { defineKind, type Outputs } from './kind.js';
import { MixOptions, mixOptionsOf } from './mix-options.js';

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  option_defaults: MixOptions,
  options: z.record(z.string(), MixOptions.partial()),
});

/** Kind `compose_unet`: influence maps and mixed noise under sets of options, at one t and at several. */
export const composeUnet = defineKind('compose_unet', fields, async (config, context) => {
  const { inputs, call, wants } = context;
  const caseModel = context.model(config.model, config.model_files, COMPOSE_TARGETS.latentDiffusionCompose);
  const { model, specs } = buildCompose(caseModel);
  const params = context.weights(specs);
  const outputs: Outputs = new Map();
  const put = async (name: string, tensor: tf.Tensor): Promise<void> => {
    if (wants(name)) outputs.set(name, await fromImage(tensor));
  };

  // One-hot masks are integers in every data set; the encoder casts them itself.
  const raw = { seg_mask: inputs.ids('seg_mask'), text: inputs.ids('tokens') };
  const embeddings = call((p: Params, given: typeof raw) => model.encodeConditions(p, given))(params, raw);
  for (const branch of BRANCHES) outputs.set(`cond.${branch}`, await fromTensor(embeddings[branch]!));
  // The way of a sampler: keys and values once, and then any number of passes with them.
  const contexts = call((p: Params, given: typeof embeddings) => model.contextKeys(p, given))(params, embeddings);

  const x = inputs.image('x');
  const t = inputs.steps('t');
  for (const [name, changed] of Object.entries(config.options)) {
    const options = mixOptionsOf(MixOptions.parse({ ...config.option_defaults, ...changed }), model);
    const mix = call((p: Params, x: tf.Tensor4D, t: tf.Tensor1D, contexts: Contexts) =>
      model.mix(p, { x, t, contexts }, options),
    );
    const mixed = mix(params, x, t, contexts);
    await put(`${name}.output`, mixed.eps);
    for (const branch of BRANCHES) {
      await put(`${name}.${branch}_confidence_map`, mixed.influence[branch]!);
      await put(`${branch}_unet_output`, mixed.branches[branch]!);
    }
    const mixedT = `${name}.mixed_t.output`;
    if (wants(mixedT)) await put(mixedT, mix(params, x, inputs.steps('t_mixed'), contexts).eps);
  }
  for (const branch of BRANCHES) {
    const logits = call((p: Params, x: tf.Tensor4D, t: tf.Tensor1D, contexts: Contexts) =>
      model.unet.influenceLogits(p, branch, x, { t, contexts }),
    );
    if (wants(`logits.${branch}`)) await put(`logits.${branch}`, logits(params, x, t, contexts));
  }
  return outputs;
});
