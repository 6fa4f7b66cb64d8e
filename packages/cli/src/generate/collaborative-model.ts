import {
  type ComposeInputs,
  type ComposeOptions,
  confidenceMix,
  type LatentDiffusionCompose,
  type MixEvent,
  mixDenoiser,
} from '@codiff/codiff';
import { compile } from '@codiff/engine';
import { guidedPair, mapTensors, type Params, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { compiledDecoder } from './compiled-decoder.js';
import { EncodedConditions } from './encoded-conditions.js';
import type { Request } from './request.js';
import {
  embeddingsOf,
  type GivenConditions,
  type Guidance,
  type SamplingModel,
  type SamplingModels,
} from './sampling-model.js';

/**
 * A collaborative model, compiled: all branches of a step run in one function. The mix is the original sampler's, with the
 * mask's influence doubled and falling along a cosine (quirk 5).
 * @param parts of a batch that are decoded side by side; the engine's branches
 */
export function collaborativeModels(
  model: LatentDiffusionCompose,
  precision: Request['precision'],
  parts = 1,
): SamplingModels {
  const encode = compile(
    (weights: Params, given: GivenConditions) =>
      model.contextKeys(
        weights,
        embeddingsOf(given, (inputs) => model.encodeConditions(weights, inputs)),
      ),
    { name: 'encode', precision },
  );
  const step = compile(
    (weights: Params, inputs: ComposeInputs, options: ComposeOptions) => model.mix(weights, inputs, options),
    { name: 'collaborate', precision },
  );
  const decode = compiledDecoder(model, precision, parts);
  const { mix, manualProb } = confidenceMix(model);
  return {
    of(p, guidance) {
      const conditions = new EncodedConditions((given) => encode(p, given), guidance);
      return {
        schedule: model.schedule,
        denoiser(batch, onMix) {
          const contexts = conditions.forBatch(batch);
          const isGuided = guidance.uncond !== undefined;
          const denoise = mixDenoiser((x, t, ruled) => step(p, { x, t, contexts }, { ...mix, ruled }), {
            manualProb,
            onMix: onMix && (isGuided ? (event) => ofConditionalHalf(event, onMix) : onMix),
          });
          return {
            denoise: isGuided ? guidedPair(denoise, guidance.scale) : denoise,
            dispose: () => tf.dispose(tensorsOf(contexts)),
          };
        },
        decode: (z) => decode(p, z),
        dispose: () => conditions.dispose(),
      };
    },
    dispose() {
      for (const compiled of [encode, step, decode]) compiled.dispose();
    },
  };
}

/** The same for one set of weights and conditions; freeing it frees all. @param p the weights, the caller's */
export function collaborativeModel(
  model: LatentDiffusionCompose,
  p: Params,
  guidance: Guidance,
  precision: Request['precision'],
): SamplingModel {
  const models = collaborativeModels(model, precision);
  const one = models.of(p, guidance);
  return {
    ...one,
    dispose() {
      one.dispose();
      models.dispose();
    },
  };
}

/** With guidance the batch is doubled, and only its second half shows the images' own conditions. */
function ofConditionalHalf(event: MixEvent, onMix: (event: MixEvent) => void): void {
  const half = (tensor: tf.Tensor) => tf.slice(tensor, tensor.shape[0]! / 2);
  const { influence, branches } = mapTensors({ influence: event.influence, branches: event.branches }, half);
  try {
    onMix({ ...event, influence, branches });
  } finally {
    tf.dispose(tensorsOf({ influence, branches }));
  }
}
