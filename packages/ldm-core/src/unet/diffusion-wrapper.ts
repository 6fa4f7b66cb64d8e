import * as tf from '@tensorflow/tfjs-core';
import type { Rng } from '../nn/dropout.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { ShapeError } from '../nn/shape-error.js';
import type { ActivationObserver } from './block-sequence.js';
import type { ContextKeys } from './context-keys.js';
import type { UNetModel } from './unet.js';

/** How a UNet is told its condition: by channels beside x, by cross-attention, by both, by class, or not at all. */
export type Conditioning = 'concat' | 'crossattn' | 'hybrid' | 'adm' | null;

/** A condition in the forms that a {@link Conditioning} may ask for. */
export interface ConditionInputs {
  /** Maps joined to x along channels [B,H,W,C'] each. */
  readonly concat?: readonly tf.Tensor4D[] | undefined;
  /** Embeddings joined along tokens [B,L,D] each, or their ready keys and values. */
  readonly crossattn?: readonly tf.Tensor3D[] | ContextKeys | undefined;
  /** Class of each image [B], int32. */
  readonly labels?: tf.Tensor1D | undefined;
}

/** What one pass of a {@link DiffusionWrapper} takes. */
export interface DiffusionInputs {
  /** Noisy latents [B,H,W,C]. */
  readonly x: tf.Tensor4D;
  /** Timesteps [B]. */
  readonly t: tf.Tensor1D;
  readonly condition?: ConditionInputs | undefined;
  readonly rng?: Rng | undefined;
  readonly onActivation?: ActivationObserver | undefined;
}

/** A UNet behind its conditioning. Key: `diffusion_model`. */
export class DiffusionWrapper {
  readonly unet: UNetModel;

  constructor(
    private readonly scope: Scope,
    readonly conditioning: Conditioning,
    declareUnet: (scope: Scope) => UNetModel,
  ) {
    this.unet = declareUnet(scope.at('diffusion_model'));
  }

  /** Keys and values of embeddings, to take their place in any number of passes. See `UNetModel.contextKeys`. */
  contextKeys(p: Params, embeddings: readonly tf.Tensor3D[]): ContextKeys {
    return this.unet.contextKeys(p, joinTokens(embeddings));
  }

  /**
   * @returns predicted noise [B,H,W,out_channels]
   * @throws Error if the condition lacks what the conditioning needs, or holds what it does not take; ShapeError if channels
   *   to add are not of x's batch, height and width
   */
  forward(p: Params, { x, t, condition = {}, rng, onActivation }: DiffusionInputs): tf.Tensor4D {
    this.check(condition);
    for (const part of condition.concat ?? []) this.checkPlane(x, part);
    return tf.tidy(() => {
      const { concat, crossattn, labels } = condition;
      const joined = concat ? (tf.concat([x, ...concat], 3) as tf.Tensor4D) : x;
      const context = isList(crossattn) ? joinTokens(crossattn) : (crossattn ?? null);
      return this.unet.forward(p, { x: joined, t, context, labels, rng, onActivation });
    });
  }

  private checkPlane(x: tf.Tensor4D, part: tf.Tensor4D): void {
    const [B, H, W] = x.shape;
    if (part.rank === 4 && part.shape.slice(0, 3).join() === [B, H, W].join()) return;
    throw new ShapeError(`diffusion model '${this.scope.path}'`, 'concat', part.shape, `[${B},${H},${W},C], as x`);
  }

  private check(condition: ConditionInputs): void {
    const { conditioning } = this;
    const wanted: Record<keyof ConditionInputs, boolean> = {
      concat: conditioning === 'concat' || conditioning === 'hybrid',
      crossattn: conditioning === 'crossattn' || conditioning === 'hybrid',
      labels: conditioning === 'adm',
    };
    for (const part of ['concat', 'crossattn', 'labels'] as const) {
      const given = condition[part] !== undefined;
      if (given === wanted[part]) continue;
      const problem = given ? `takes no '${part}'` : `needs '${part}'`;
      throw new Error(`diffusion model '${this.scope.path}': conditioning ${conditioning ?? 'none'} ${problem}`);
    }
  }
}

function joinTokens(embeddings: readonly tf.Tensor3D[]): tf.Tensor3D {
  return embeddings.length === 1 ? embeddings[0]! : tf.concat([...embeddings], 1);
}

function isList(crossattn: ConditionInputs['crossattn']): crossattn is readonly tf.Tensor3D[] {
  return Array.isArray(crossattn);
}
