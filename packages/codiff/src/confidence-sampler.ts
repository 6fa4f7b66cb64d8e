import { type DdimOptions, type Params, sampleDdim } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { type ComposeOptions, composeOptions, type OriginalMix } from './compose/compose-options.js';
import type { ComposeInputs } from './compose/compose-unet.js';
import type { Contexts } from './compose/contexts.js';
import type { LatentDiffusionCompose } from './compose/latent-diffusion-compose.js';
import { ConfidenceSamplerConfig } from './config/compose-unet-config.js';
import { type MixDenoiserOptions, mixDenoiser } from './mix-denoiser.js';
import { type MixRecorder, recordMixes } from './mix-recorder.js';
import type { MixedNoise } from './noise-mix.js';

/** One collaborative step as a function of everything it reads: what a caller compiles, once for all images. */
export type MixStep = (p: Params, inputs: ComposeInputs, options: ComposeOptions) => MixedNoise;

/** Settings of {@link sampleConfidence} besides DDIM's own. Options of the original have its sampler's defaults. */
export interface ConfidenceOptions extends MixDenoiserOptions {
  readonly segMaskScaleFactor?: OriginalMix['segMaskScaleFactor'] | undefined;
  readonly segMaskSchedule?: OriginalMix['segMaskSchedule'] | undefined;
  readonly softmaxTwice?: boolean | undefined;
  readonly boostFactor?: number | undefined;
  /** The model's step. Default: `model.mix`, run operation by operation. */
  readonly step?: MixStep | undefined;
}

/**
 * The original's way of sampling a collaborative model: DDIM, with the mask's influence doubled and falling along a cosine
 * (`segMaskScaleFactor` 2, `segMaskSchedule` cosine_decay), which is not the mix the model was trained with (quirk 5).
 * Nothing is left behind in the model.
 * @param contexts embeddings, or better `model.contextKeys` of them; batch of `xT`
 * @param xT where to start, standard normal [B,H,W,C]; left to the caller
 * @returns latents [B,H,W,C], the caller's
 * @throws RangeError for impossible settings; Error if noise is needed and there is no source
 */
export async function sampleConfidence(
  model: LatentDiffusionCompose,
  p: Params,
  contexts: Contexts,
  xT: tf.Tensor4D,
  options: Omit<DdimOptions, 'schedule'> & ConfidenceOptions,
): Promise<tf.Tensor4D> {
  const { step = (...args) => model.mix(...args), onMix, draw, ...ddim } = options;
  const { manualProb, mix } = confidenceMix(model, options);
  const denoise = mixDenoiser((x, t, ruled) => step(p, { x, t, contexts }, { ...mix, ruled }), {
    manualProb,
    draw,
    onMix,
  });
  return sampleDdim(denoise, xT, { ...ddim, schedule: model.schedule });
}

/**
 * The mix of {@link sampleConfidence}, for other samplers.
 * @param options of the original's sampler; those not given have its defaults
 */
export function confidenceMix(
  model: LatentDiffusionCompose,
  options: Omit<ConfidenceOptions, 'step'> = {},
): { readonly mix: ComposeOptions; readonly manualProb: number } {
  const defaults = ConfidenceSamplerConfig.parse({});
  const {
    segMaskScaleFactor = defaults.segMaskScaleFactor,
    segMaskSchedule = defaults.segMaskSchedule,
    softmaxTwice = defaults.softmaxTwice,
    boostFactor = defaults.boostFactor,
    manualProb = defaults.manualProb,
  } = options;
  const { confidenceInput } = model.unet.config;
  const mix = { segMaskScaleFactor, segMaskSchedule, softmaxTwice, boostFactor, confidenceInput };
  return { mix: composeOptions(mix, model.conditions), manualProb };
}

/**
 * What the original's sampler keeps of a run, for {@link sampleConfidence}'s `onMix`: with `return_confidence_map` the
 * influence maps of its `conditions`, with `return_each_branch` their noise too.
 * @param config checked @param logEveryT as of `recordMixes`
 * @returns null where it keeps nothing; else to be disposed of by the caller
 */
export function confidenceRecorder(config: ConfidenceSamplerConfig, logEveryT = 1): MixRecorder | null {
  const { returnConfidenceMap, returnEachBranch, conditions } = config;
  return returnConfidenceMap ? recordMixes({ logEveryT, branches: returnEachBranch, names: conditions }) : null;
}
