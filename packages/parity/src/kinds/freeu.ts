import { fourierFilter, type Params, TARGETS } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import { fromImage } from '../cases/layout.js';
import { buildUnet } from '../models/build.js';
import { defineKind, type Outputs } from './kind.js';
import { contextOf } from './unet.js';

const fields = z.strictObject({
  ...commonFields,
  ...modelFields,
  variants: z.record(z.string(), z.record(z.string(), z.unknown())),
  filter_inputs: z.array(z.string()),
  filters: z.record(z.string(), z.strictObject({ threshold: z.number().int().positive(), scale: z.number() })),
});

/** Kind `freeu`: the Fourier filter on its own, and the UNet with each variant's arguments. */
export const freeu = defineKind('freeu', fields, async (config, context) => {
  const { inputs, wants, call } = context;
  const outputs: Outputs = new Map();
  const base = context.model(config.model, config.model_files, TARGETS.unet);
  // Every variant and input must be sound, also where the output is not stored.
  const variants = Object.entries(config.variants).map(([name, variant]) => {
    return { name, ...buildUnet({ ...base, params: { ...base.params, ...variant } }) };
  });
  for (const input of config.filter_inputs) {
    inputs.host(input);
    for (const [name, options] of Object.entries(config.filters)) {
      const filter = call((x: tf.Tensor4D) => fourierFilter(x, options));
      if (wants(`${input}.${name}`)) outputs.set(`${input}.${name}`, await fromImage(filter(inputs.image(input))));
    }
  }
  for (const { name, model, specs } of variants) {
    if (!wants(`unet.${name}`)) continue;
    const params = context.weights(specs);
    const forward = call((p: Params, x: tf.Tensor4D, t: tf.Tensor1D, tokens: tf.Tensor3D | undefined) =>
      model.forward(p, { x, t, context: tokens }),
    );
    const y = forward(params, inputs.image('x'), inputs.steps('t'), contextOf(model, inputs, 'context'));
    outputs.set(`unet.${name}`, await fromImage(y));
    params.dispose();
  }
  return outputs;
});
