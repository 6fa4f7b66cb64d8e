import { type Denoise, tensorsOf, tidyTree } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { MixedNoise, NoiseMix } from './noise-mix.js';

/** What an observer sees of each call. The tensors live until it returns (or its promise settles): clone to keep. */
export interface MixEvent extends Pick<MixedNoise, 'influence' | 'branches'> {
  /** Steps still to come: counts down to 0. */
  readonly index: number;
  /** Steps of this run. */
  readonly total: number;
  /** 0 for the first call of the step; 1 for the second that some samplers make. */
  readonly call: number;
  /** The timestep of the call. */
  readonly t: number;
}

/** Settings of {@link mixDenoiser}. */
export interface MixDenoiserOptions {
  /** Probability with which a call applies the rules; 1 (the default) and more: always, below 0: never. */
  readonly manualProb?: number | undefined;
  /** A number uniform in [0, 1) a call; needed where `manualProb` lies in [0, 1). */
  readonly draw?: (() => number) | undefined;
  /** Called after each call of the model; a promise is awaited. */
  readonly onMix?: ((event: MixEvent) => void | Promise<void>) | undefined;
}

/**
 * A mix as samplers see it. What it computes besides the noise goes to the observer and is then freed.
 * @param mix may be compiled
 * @throws RangeError if `manualProb` needs draws and there are none
 */
export function mixDenoiser(mix: NoiseMix, { manualProb = 1, draw, onMix }: MixDenoiserOptions = {}): Denoise {
  const applyRules = ruleDecision(manualProb, draw);
  return async (x, t, { index, total, call }) => {
    const ruled = applyRules();
    const { eps, influence, branches } = tidyTree(() =>
      mix(x, tf.fill([x.shape[0]], t, 'int32') as tf.Tensor1D, ruled),
    );
    const free = () => tf.dispose(tensorsOf({ influence, branches }).filter((tensor) => tensor !== eps));
    try {
      await onMix?.({ index, total, call, t, influence, branches });
    } catch (error) {
      eps.dispose();
      throw error;
    } finally {
      free();
    }
    return eps;
  };
}

function ruleDecision(manualProb: number, draw: (() => number) | undefined): () => boolean {
  if (manualProb >= 1) return () => true;
  if (manualProb < 0) return () => false;
  if (draw === undefined || Number.isNaN(manualProb)) {
    throw new RangeError(
      `collaborate: manualProb is ${manualProb}; a probability in [0, 1) needs a draw a call: pass draw, e.g. from a seeded generator`,
    );
  }
  return () => draw() <= manualProb;
}
