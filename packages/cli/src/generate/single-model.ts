import { compile } from '@codiff/engine';
import { guidedPair, inParts, type LatentDiffusion, type Params, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { compiledDecoder } from './compiled-decoder.js';
import { EncodedConditions, type EncodedContexts } from './encoded-conditions.js';
import type { Request } from './request.js';
import { embeddingsOf, type GivenConditions, type SamplingModels } from './sampling-model.js';

/**
 * A model of one condition, compiled.
 * @param parts of a batch that are computed side by side; the engine's branches
 */
export function singleModels(model: LatentDiffusion, precision: Request['precision'], parts = 1): SamplingModels {
  const encode = compile(
    (weights: Params, given: GivenConditions): EncodedContexts => {
      const embeddings = embeddingsOf(given, (inputs) =>
        Object.fromEntries(
          Object.entries(inputs).map(([name, input]) => [name, model.condition(weights, input) as tf.Tensor3D]),
        ),
      );
      return Object.fromEntries(
        Object.entries(embeddings).map(([name, embedding]) => [name, model.contextKeys(weights, embedding)]),
      );
    },
    { name: 'encode', precision },
  );
  const step = compile(
    (weights: Params, x: tf.Tensor4D, t: tf.Tensor1D, contexts: EncodedContexts) =>
      inParts(parts, { x, t, contexts }, (part) =>
        model.applyModel(weights, part.x, part.t, Object.values(part.contexts)[0]!),
      ),
    { name: 'denoise', precision },
  );
  const decode = compiledDecoder(model, precision, parts);
  return {
    of(p, guidance) {
      const conditions = new EncodedConditions((given) => encode(p, given), guidance);
      return {
        schedule: model.schedule,
        denoiser(batch) {
          const contexts = conditions.forBatch(batch);
          const denoise = (x: tf.Tensor4D, t: number) =>
            step(p, x, tf.fill([x.shape[0]], t, 'int32') as tf.Tensor1D, contexts);
          return {
            denoise: guidance.uncond === undefined ? denoise : guidedPair(denoise, guidance.scale),
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
