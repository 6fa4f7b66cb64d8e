import { type Params, TARGETS } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import { fromTensor } from '../cases/layout.js';
import { buildSegMaskEncoder } from '../models/build.js';
import { defineKind, type Outputs } from './kind.js';

const fields = z.strictObject({ ...commonFields, ...modelFields });

/** Kind `seg_mask_encoder`: a one-hot mask to context, with and without the axis that a data loader adds. */
export const segMaskEncoder = defineKind('seg_mask_encoder', fields, async (config, context) => {
  const { model, specs } = buildSegMaskEncoder(context.model(config.model, config.model_files, TARGETS.segMaskEncoder));
  const params = context.weights(specs);
  // One-hot masks are integers in every data set; the encoder casts them itself.
  const mask = context.inputs.ids('x');
  const encode = context.call((p: Params, x: tf.Tensor) => ({
    z: model.forward(p, x),
    z_from_4d: model.forward(p, tf.expandDims(x, 1)),
  }));
  const outputs: Outputs = new Map();
  for (const [name, tensor] of Object.entries(encode(params, mask))) outputs.set(name, await fromTensor(tensor));
  return outputs;
});
