import type { ConditionEncoder, Params, Scope } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { ComposeCondStageConfig } from '../config/compose-unet-config.js';
import type { Condition } from '../config/conditions.js';
import { type ByCondition, checkConditions } from './contexts.js';

/** The encoders of all branches. Keys: `<condition>_cond_stage_model`. */
export class ComposeCondStage {
  private readonly encoders: ReadonlyMap<Condition, ConditionEncoder>;

  /** @param declareEncoder declares a branch's encoder at the scope it is given */
  constructor(
    scope: Scope,
    /** What it was built from. */
    readonly config: ComposeCondStageConfig,
    declareEncoder: (condition: Condition, scope: Scope) => ConditionEncoder,
  ) {
    // Text comes first in the original's checkpoints.
    const order = [...config.conditions].sort((a, b) => Number(b === 'text') - Number(a === 'text'));
    this.encoders = new Map(
      order.map((condition) => [condition, declareEncoder(condition, scope.at(`${condition}_cond_stage_model`))]),
    );
  }

  /** The encoder of a branch, if the model has that branch. */
  encoder(condition: Condition): ConditionEncoder | undefined {
    return this.encoders.get(condition);
  }

  /**
   * Encode every condition, once a prompt.
   * @param inputs of every condition: token ids [B,L], a one-hot mask [B,K,N], a sketch [B,1,N]
   * @returns embeddings, each [B,L,D]
   * @throws RangeError for conditions that are not the model's
   */
  forward(p: Params, inputs: ByCondition<tf.Tensor>): ByCondition<tf.Tensor3D> {
    checkConditions('condition encoders', Object.keys(inputs), [...this.encoders.keys()]);
    return Object.fromEntries(
      [...this.encoders].map(([condition, encoder]) => [
        condition,
        encoder.forward(p, inputs[condition]!) as tf.Tensor3D,
      ]),
    );
  }
}
