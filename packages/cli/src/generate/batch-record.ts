import { type MixEvent, recordMixes } from '@codiff/codiff';
import { recordSteps, type StepEvent } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { Extras } from './request.js';

/** Copies of what a batch passed through, as far as it will be written or reported on: every step, first step first. */
export interface BatchRecord {
  /** x_t and predicted x_0 of the steps, by the ending of their file's name; each [B,h,w,c]. */
  readonly latents: Readonly<Record<string, readonly tf.Tensor4D[]>>;
  /** Influence maps of the steps by modality, each [B,h,w,1]. */
  readonly influence: Readonly<Record<string, readonly tf.Tensor4D[]>>;
  /** Timesteps from which the steps started. */
  readonly timesteps: readonly number[];
  readonly onStep: (event: StepEvent) => void;
  readonly onMix: (event: MixEvent) => void;
  dispose(): void;
}

/** A record that keeps what `extras` ask for, and nothing else. */
export function recordBatch(extras: Extras): BatchRecord {
  const steps = recordSteps(1);
  const mixes = recordMixes({ logEveryT: 1 });
  const timesteps: number[] = [];
  const keepsSteps = extras.steps || extras.report === true;
  const keepsInfluence = extras.influence || extras.report === true;
  return {
    latents: keepsSteps ? { x_inter: steps.xInter, pred_x0: steps.predX0 } : {},
    influence: mixes.influence,
    timesteps,
    onStep: (event) => {
      timesteps.push(event.t);
      if (keepsSteps) steps.onStep(event);
    },
    onMix: (event) => {
      if (keepsInfluence) mixes.onMix(event);
    },
    dispose() {
      steps.dispose();
      mixes.dispose();
    },
  };
}
