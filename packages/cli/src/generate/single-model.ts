import { compile } from '@codiff/engine';
import { guidedPair, type LatentDiffusion, type Params, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { EncodedConditions, type EncodedContexts } from './encoded-conditions.js';
import type { Request } from './request.js';
import { embeddingsOf, type GivenConditions, type SamplingModels } from './sampling-model.js';

/** A model of one condition, compiled. */
export function singleModels(model: LatentDiffusion, precision: Request['precision']): SamplingModels {
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
      model.applyModel(weights, x, t, Object.values(contexts)[0]!),
    { name: 'denoise', precision },
  );
  const decode = compile((weights: Params, z: tf.Tensor4D) => model.decodeFirstStage(weights, z), {
    name: 'decode',
    precision,
  });
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
