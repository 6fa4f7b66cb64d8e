import { type Params, TARGETS, type UNetModel } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, modelFields } from '../cases/case-form.js';
import type { Inputs } from '../cases/inputs.js';
import { fromImage } from '../cases/layout.js';
import { buildUnet } from '../models/build.js';
import { keepActivations, readActivations } from './activations.js';
import { defineKind, type Outputs } from './kind.js';

const fields = z.strictObject({ ...commonFields, ...modelFields });

/** Kind `unet`: forward, and the outputs of submodules. */
export const unet = defineKind('unet', fields, async (config, context) => {
  const { inputs, call } = context;
  const { model, specs } = buildUnet(context.model(config.model, config.model_files, TARGETS.unet));
  const params = context.weights(specs);
  const forward = call((p: Params, x: tf.Tensor4D, t: tf.Tensor1D, tokens: tf.Tensor3D | undefined) => {
    const { kept, observe } = keepActivations(context);
    return { y: model.forward(p, { x, t, context: tokens, onActivation: observe }), kept };
  });
  const { y, kept } = forward(params, inputs.image('x'), inputs.steps('t'), contextOf(model, inputs, 'context'));
  const outputs: Outputs = new Map([['y', await fromImage(y)]]);
  await readActivations(kept, outputs);
  return outputs;
});

/** The context input, for a network that attends to one. */
export function contextOf({ config }: UNetModel, inputs: Inputs, name: string): tf.Tensor3D | undefined {
  return config.useSpatialTransformer ? (inputs.tensor(name) as tf.Tensor3D) : undefined;
}
