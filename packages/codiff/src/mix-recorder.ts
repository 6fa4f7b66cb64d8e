import * as tf from '@tensorflow/tfjs-core';
import type { MixEvent } from './mix-denoiser.js';

/** Copies of what a collaboration passed through, first step first, by collaborator. */
export interface MixRecorder {
  readonly onMix: (event: MixEvent) => void;
  /** Influence maps, each [B,H,W,1]. */
  readonly influence: Readonly<Record<string, readonly tf.Tensor4D[]>>;
  /** Each branch's noise, each [B,H,W,C]; empty unless asked for. */
  readonly branches: Readonly<Record<string, readonly tf.Tensor4D[]>>;
  /** Free the copies. */
  dispose(): void;
}

/** What {@link recordMixes} keeps. */
export interface MixRecorderOptions {
  /** The first step is kept, and every one whose index is a multiple of this; default 1: all. */
  readonly logEveryT?: number | undefined;
  /** Keep the noise of each branch too. Default false. */
  readonly branches?: boolean | undefined;
  /** Collaborators whose maps and branches are kept. Default: all. */
  readonly names?: readonly string[] | undefined;
}

/**
 * An observer that keeps the influence maps of a run, as the original's `intermediates` do.
 * @throws RangeError if `logEveryT` is no whole number of at least 1
 */
export function recordMixes(options: MixRecorderOptions = {}): MixRecorder {
  const { logEveryT = 1, branches: keepsBranches = false, names } = options;
  if (!Number.isInteger(logEveryT) || logEveryT < 1) {
    throw new RangeError(`recordMixes: logEveryT is ${logEveryT}, wanted an integer of at least 1`);
  }
  const influence: Record<string, tf.Tensor4D[]> = {};
  const branches: Record<string, tf.Tensor4D[]> = {};
  const add = (lists: Record<string, tf.Tensor4D[]>, tensors: Readonly<Record<string, tf.Tensor4D>>): void => {
    for (const [name, tensor] of Object.entries(tensors)) {
      if (names !== undefined && !names.includes(name)) continue;
      lists[name] ??= [];
      lists[name].push(tf.clone(tensor));
    }
  };
  return {
    influence,
    branches,
    onMix(event) {
      const isDue = event.index % logEveryT === 0 || event.index === event.total - 1;
      if (!isDue || event.call > 0) return;
      add(influence, event.influence);
      if (keepsBranches) add(branches, event.branches);
    },
    dispose() {
      for (const lists of [influence, branches]) {
        for (const list of Object.values(lists)) tf.dispose(list.splice(0));
      }
    },
  };
}
