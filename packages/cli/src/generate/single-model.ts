import { compile } from '@codiff/engine';
import { guidedPair, type LatentDiffusion, type Params, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { EncodedConditions, type EncodedContexts } from './encoded-conditions.js';
import type { Request } from './request.js';
import type { ConditionInputs, Guidance, SamplingModel } from './sampling-model.js';

/** A model of one condition, compiled. @param p its weights, the caller's */
export function singleModel(
  model: LatentDiffusion,
  p: Params,
  guidance: Guidance,
  precision: Request['precision'],
): SamplingModel {
  const encode = compile(
    (weights: Params, inputs: ConditionInputs): EncodedContexts =>
      Object.fromEntries(
        Object.entries(inputs).map(([name, input]) => [
          name,
          model.contextKeys(weights, model.condition(weights, input) as tf.Tensor3D),
        ]),
      ),
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
  const conditions = new EncodedConditions((inputs) => encode(p, inputs), guidance);
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
    dispose() {
      conditions.dispose();
      for (const compiled of [encode, step, decode]) compiled.dispose();
    },
  };
}
