import { type Contexts, joinContexts, repeatContexts } from '@codiff/codiff';
import { type ContextKeys, mapTensors, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { GivenConditions, Guidance } from './sampling-model.js';

/** Ready keys and values of every branch, by condition. */
export type EncodedContexts = { readonly [condition: string]: ContextKeys };

/** Conditions that are encoded once, and repeated for each batch: those of one image, or of every image of it. */
export class EncodedConditions {
  private readonly cond: EncodedContexts;
  private readonly uncond: EncodedContexts | undefined;

  /** @param encode makes keys and values of what it is given */
  constructor(encode: (given: GivenConditions) => EncodedContexts, { cond, uncond }: Guidance) {
    this.cond = encode(cond);
    this.uncond = uncond && encode(uncond);
  }

  /**
   * For a batch; with guidance twice its size, unconditional half first. The caller owns them.
   * @throws RangeError for conditions of several images, but not as many
   */
  forBatch(batch: number): EncodedContexts {
    const cond = forImages(this.cond, batch);
    if (this.uncond === undefined) return cond as EncodedContexts;
    const uncond = forImages(this.uncond, batch);
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

const forImages = (contexts: EncodedContexts, batch: number): Contexts =>
  tensorsOf(contexts).every((tensor) => tensor.shape[0] === batch)
    ? mapTensors<Contexts>(contexts, (tensor) => tf.clone(tensor))
    : repeatContexts<Contexts>(contexts, batch);
