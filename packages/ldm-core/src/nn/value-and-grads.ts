import * as tf from '@tensorflow/tfjs-core';
import { Params } from './params.js';
import { tensorsOf } from './tensor-tree.js';

/** A function's results, and the gradients of its loss. The caller owns all tensors. */
export interface ValueAndGrads<T> {
  /** What the function returned: the loss, and whatever else it computed on the way. */
  readonly value: T;
  /** One gradient for each parameter, under its key; zeros where the loss does not depend on it. */
  readonly grads: Params;
}

/**
 * Gradients of a loss that comes with other results (logged parts, updated buffers). tfjs's own forms give back the loss
 * alone, and free everything else.
 *
 * @param fn pure; its `loss` is what gradients are taken of
 * @param params float32 tensors to differentiate by; `fn` gets exactly these
 */
export function valueAndGrads<T extends { readonly loss: tf.Scalar }>(
  fn: (params: Params) => T,
  params: Params,
): ValueAndGrads<T> {
  const kept: tf.Tensor[] = [];
  let value: T | undefined;
  try {
    const { grads } = tf.engine().gradients(
      () => {
        value = fn(params);
        // Tensors of this scope would die with it; those from outside have an owner.
        const scope = tf.engine().state.activeScope.id;
        for (const tensor of tensorsOf(value)) {
          if (tensor.scopeId === scope && !tensor.kept) kept.push(tf.keep(tensor));
        }
        return value.loss as tf.Tensor;
      },
      [...params.values()],
      undefined,
      true,
    );
    const byKey = [...params].map(([key, tensor], i) => [key, grads[i] ?? tf.zerosLike(tensor)] as const);
    return { value: value!, grads: new Params(byKey) };
  } finally {
    for (const tensor of kept) release(tensor);
  }
}

/** Undo `tf.keep`: the tensor belongs to the scope around the call again, or to the caller if there is none. */
function release(tensor: tf.Tensor): void {
  tensor.kept = false;
  const scope = tf.engine().state.activeScope as { id: number; track: tf.Tensor[] } | null;
  if (scope === null) return;
  tensor.scopeId = scope.id;
  scope.track.push(tensor);
}
