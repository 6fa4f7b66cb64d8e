import * as tf from '@tensorflow/tfjs-core';
import { geglu, gelu } from './activations.js';
import { dropout, type Rng } from './dropout.js';
import { Linear } from './linear.js';
import type { Params } from './params.js';
import type { Scope } from './scope.js';

/** Linear layer to twice the width, one half gating the other (Shazeer 2020). Key: `proj`. */
export class GEGLU {
  private readonly proj: Linear;

  constructor(scope: Scope, dimIn: number, dimOut: number) {
    this.proj = new Linear(scope.at('proj'), dimIn, 2 * dimOut);
  }

  /** @param x [...,dimIn] @returns value · GELU(gate) [...,dimOut]; the gate is the second half */
  forward<T extends tf.Tensor>(p: Params, x: T): T {
    return geglu(this.proj.forward(p, x)) as T;
  }
}

/** Options of {@link FeedForward}. */
export interface FeedForwardOptions {
  /** GEGLU in front; false: Linear, GELU. */
  readonly gated: boolean;
  /** Share of the hidden features dropped, when an rng is given. Default 0. */
  readonly dropout?: number;
}

/**
 * A transformer's feed-forward, four times as wide inside. Keys: `net.0.proj` (gated) or `net.0.0`, and `net.2`.
 */
export class FeedForward {
  private readonly hidden: GEGLU | Linear;
  private readonly out: Linear;

  constructor(
    private readonly scope: Scope,
    dim: number,
    private readonly config: FeedForwardOptions,
  ) {
    this.hidden = config.gated
      ? new GEGLU(scope.at('net.0'), dim, 4 * dim)
      : new Linear(scope.at('net.0.0'), dim, 4 * dim);
    this.out = new Linear(scope.at('net.2'), 4 * dim, dim);
  }

  /** @param x tokens [B,N,dim] @param rng source of dropout; without it nothing is dropped @returns [B,N,dim] */
  forward(p: Params, x: tf.Tensor3D, rng?: Rng): tf.Tensor3D {
    return tf.tidy(() => {
      const hidden = this.hidden instanceof GEGLU ? this.hidden.forward(p, x) : gelu(this.hidden.forward(p, x));
      return this.out.forward(p, dropout(hidden, this.config.dropout ?? 0, rng?.split(this.scope.path))) as tf.Tensor3D;
    });
  }
}
