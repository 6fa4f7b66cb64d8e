import * as tf from '@tensorflow/tfjs-core';

/** Keys and values of one cross-attention, projected from a context. Both [B,L,h·d]. */
export interface KeyValue {
  readonly k: tf.Tensor3D;
  readonly v: tf.Tensor3D;
}

/**
 * Keys and values of every cross-attention of a UNet, by the attention's path in the checkpoint. They depend on the
 * context alone, so a sampler projects them once per image instead of once per step. Plain objects: `tf.dispose` and
 * `tf.tidy` see the tensors. The caller owns them.
 */
export type ContextKeys = { readonly [path: string]: KeyValue };

/** What cross-attention attends to: embeddings [B,L,D], their ready {@link ContextKeys}, or null for self-attention. */
export type Context = tf.Tensor3D | ContextKeys | null;

/** Whether a context is one attention's ready keys and values. */
export function isKeyValue(context: tf.Tensor3D | KeyValue): context is KeyValue {
  return !(context instanceof tf.Tensor);
}
