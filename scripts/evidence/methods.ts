import { type Contexts, composeFixed, confidenceMix, type LatentDiffusionCompose } from '@codiff/codiff';
import type { Params } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';

/** Ways to make an image of a mask and a text, baselines first. */
export const METHODS = ['text-only', 'mask-only', 'fixed-mix', 'collaborative', 'collaborative-generate'] as const;
/** A name from {@link METHODS}. */
export type Method = (typeof METHODS)[number];

/** What the two collaborations are compared with. */
export const BASELINES = ['text-only', 'mask-only', 'fixed-mix'] as const;
/** What is claimed to be better. */
export const COLLABORATIONS = ['collaborative', 'collaborative-generate'] as const;

/** What each is, for the page. */
export const METHOD_WORDS: Readonly<Record<Method, string>> = {
  'text-only': 'the text model alone',
  'mask-only': 'the mask model alone',
  'fixed-mix': 'both models, mixed with one weight at every pixel and step (the baseline of Composable Diffusion)',
  collaborative: 'both models, mixed by their dynamic diffusers as in training: the plain softmax',
  'collaborative-generate':
    "the same, as `codiff generate` does it and the original's sampler: the mask's influence doubled, and falling along a cosine",
};

/** A method, and of the fixed mix the weight of the mask: 0 (the text model alone) to 1 (the mask model alone). */
export type WeighedMethod =
  | { readonly method: Exclude<Method, 'fixed-mix'> }
  | { readonly method: 'fixed-mix'; readonly maskWeight: number };

/** A method with its weight. @param maskWeight read for the fixed mix only */
export const weighed = (method: Method, maskWeight: number): WeighedMethod =>
  method === 'fixed-mix' ? { method, maskWeight } : { method };

/** What a method comes down to: a mix that gives one model all the weight is that model, and the other need not be computed. */
export function effectiveMethod(method: WeighedMethod): Method {
  if (method.method !== 'fixed-mix') return method.method;
  if (method.maskWeight === 0) return 'text-only';
  return method.maskWeight === 1 ? 'mask-only' : 'fixed-mix';
}

/** The noise that a method predicts, as a pure function that can be compiled. @param maskWeight of the fixed mix [] */
export type PredictNoise = (
  p: Params,
  x: tf.Tensor4D,
  t: tf.Tensor1D,
  contexts: Contexts,
  maskWeight: tf.Scalar,
) => tf.Tensor4D;

/** A method over the branches of a collaborative model. */
export function predictorOf(model: LatentDiffusionCompose, method: Method): PredictNoise {
  const { unet } = model;
  switch (method) {
    case 'text-only':
      return (p, x, t, contexts) => unet.branchNoise(p, 'text', x, { t, contexts });
    case 'mask-only':
      return (p, x, t, contexts) => unet.branchNoise(p, 'seg_mask', x, { t, contexts });
    case 'fixed-mix':
      return (p, x, t, contexts, maskWeight) => {
        const eps = (condition: 'text' | 'seg_mask') => (x: tf.Tensor4D, t: tf.Tensor1D) =>
          unet.branchNoise(p, condition, x, { t, contexts });
        const mix = composeFixed([
          { name: 'seg_mask', eps: eps('seg_mask'), weight: maskWeight },
          { name: 'text', eps: eps('text'), remainder: true },
        ]);
        return mix(x, t).eps;
      };
    case 'collaborative':
      return (p, x, t, contexts) => unet.mix(p, { x, t, contexts }, { ...unet.options, ruled: false }).eps;
    case 'collaborative-generate': {
      const { mix } = confidenceMix(model);
      return (p, x, t, contexts) => unet.mix(p, { x, t, contexts }, mix).eps;
    }
  }
}

/** Processor time of a step of each method relative to the first, measured with the demo's models: for estimates of what is left. */
export const STEP_COST: Readonly<Record<Method, number>> = {
  'text-only': 1,
  'mask-only': 1.6,
  'fixed-mix': 2.6,
  collaborative: 3.3,
  'collaborative-generate': 3.3,
};
