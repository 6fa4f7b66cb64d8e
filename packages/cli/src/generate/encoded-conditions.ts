import { type Contexts, joinContexts, repeatContexts } from '@codiff/codiff';
import { type ContextKeys, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { GivenConditions, Guidance } from './sampling-model.js';

/** Ready keys and values of every branch, by condition. */
export type EncodedContexts = { readonly [condition: string]: ContextKeys };

/** Conditions that are encoded once, and repeated for each batch. */
export class EncodedConditions {
  private readonly cond: EncodedContexts;
  private readonly uncond: EncodedContexts | undefined;

  /** @param encode makes keys and values of a batch of one */
  constructor(encode: (given: GivenConditions) => EncodedContexts, { cond, uncond }: Guidance) {
    this.cond = encode(cond);
    this.uncond = uncond && encode(uncond);
  }

  /** For a batch; with guidance twice its size, unconditional half first. The caller owns them. */
  forBatch(batch: number): EncodedContexts {
    const cond = repeatContexts<Contexts>(this.cond, batch);
    if (this.uncond === undefined) return cond as EncodedContexts;
    const uncond = repeatContexts<Contexts>(this.uncond, batch);
    try {
      return joinContexts(uncond, cond) as EncodedContexts;
    } finally {
      tf.dispose(tensorsOf([cond, uncond]));
    }
  }

  dispose(): void {
    tf.dispose(tensorsOf([this.cond, this.uncond]));
  }
}
