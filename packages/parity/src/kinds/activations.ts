import * as tf from '@tensorflow/tfjs-core';
import type { HostTensor } from '../cases/host-tensor.js';
import { fromImage, fromTensor } from '../cases/layout.js';
import type { CaseContext, Outputs } from './kind.js';

/** Keeps the outputs of submodules that a case stores as `act.<path>`, while a model runs. */
export interface Activations {
  /** To be handed to the model. */
  readonly observe: (path: string, activation: tf.Tensor) => void;
  /** By output name; to be returned from the function that runs the model, since a compiled one has no values yet. */
  readonly kept: Record<string, tf.Tensor>;
}

/** @param prefix of the paths that the model reports, e.g. `first_stage_model.` */
export function keepActivations({ wants }: Pick<CaseContext, 'wants'>): Activations {
  const kept: Record<string, tf.Tensor> = {};
  return {
    kept,
    observe: (path, activation) => {
      const name = `act.${path}`;
      // A copy, as a model frees what it no longer needs; kept, as models tidy up after themselves.
      if (wants(name)) kept[name] = tf.keep(tf.clone(activation));
    },
  };
}

/** Read what {@link keepActivations} kept, and free it. Feature maps are images; all else has one layout. */
export async function readActivations(kept: Readonly<Record<string, tf.Tensor>>, outputs: Outputs): Promise<void> {
  for (const [name, tensor] of Object.entries(kept)) {
    outputs.set(name, await readAny(tensor));
    tensor.dispose();
  }
}

/** An image where there are four axes, else a tensor of one layout. */
export async function readAny(tensor: tf.Tensor): Promise<HostTensor> {
  return tensor.rank === 4 ? fromImage(tensor) : fromTensor(tensor);
}
