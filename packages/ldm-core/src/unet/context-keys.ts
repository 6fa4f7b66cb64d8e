import * as tf from '@tensorflow/tfjs-core';

/** Keys and values of one cross-attention, projected from a context. Both [B,L,h·d]. */
export interface KeyValue {
  readonly k: tf.Tensor3D;
  readonly v: tf.Tensor3D;
}

/**
 * Keys and values of every cross-attention of a UNet, under the attention's path in the checkpoint and `.k` or `.v`. They
 * depend on the context alone, so a sampler projects them once per image instead of once per step. A flat object, batch
 * first: `tf.dispose` and `tf.tidy` see the tensors, and guidance joins two of them as it joins contexts. The caller owns
 * them.
 */
export type ContextKeys = { readonly [key: string]: tf.Tensor3D };

/** What cross-attention attends to: embeddings [B,L,D], their ready {@link ContextKeys}, or null for self-attention. */
export type Context = tf.Tensor3D | ContextKeys | null;

/** Whether a context is one attention's ready keys and values. */
export function isKeyValue(context: tf.Tensor3D | KeyValue): context is KeyValue {
  return !(context instanceof tf.Tensor);
}
