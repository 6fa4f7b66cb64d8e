import * as tf from '@tensorflow/tfjs-core';
import { discardTape } from './off-tape.js';
import { Params } from './params.js';
import { tensorsOf } from './tensor-tree.js';

/** A function's results, and the gradients of its loss. The caller (or the enclosing tidy) owns all tensors. */
export interface ValueAndGrads<T> {
  /** What the function returned: the loss, and whatever else it computed on the way. */
  readonly value: T;
  /**
   * The gradient of every parameter that the loss depends on, in the order in which they are computed: those of the last layers
   * first. Other keys are absent, so an optimizer skips them.
   */
  readonly grads: Params;
}

/**
 * A loss and its gradients.
 * @param loss pure function of the weights it is handed, returning a float32 scalar
 * @param params what to differentiate by; integer tensors among them are handed on without a gradient
 */
export function valueAndGrad(loss: (params: Params) => tf.Scalar, params: Params): ValueAndGrads<tf.Scalar> {
  const { value, grads } = valueAndGrads((p) => ({ loss: loss(p) }), params);
  return { value: value.loss, grads };
}

/**
 * Gradients of a loss that comes with other results (logged parts, updated buffers). tfjs's own forms give back the loss
 * alone, and free everything else.
 *
 * @param fn pure; its `loss` is what gradients are taken of
 * @param params as for `valueAndGrad`; `fn` gets exactly these
 * @throws Error if nothing in `params` can be differentiated by, or the loss is no scalar
 */
export function valueAndGrads<T extends { readonly loss: tf.Scalar }>(
  fn: (params: Params) => T,
  params: Params,
): ValueAndGrads<T> {
  const trained = [...params].filter(([, tensor]) => tensor.dtype === 'float32');
  if (trained.length === 0) throw new Error(`valueAndGrads: none of the ${params.size} parameters is float32`);
  const kept: tf.Tensor[] = [];
  let value: T | undefined;
  const forward = (): tf.Tensor => {
    value = fn(params);
    const { loss } = value;
    if (loss.rank !== 0) throw new Error(`valueAndGrads: the loss is [${loss.shape}], must be a scalar []`);
    // Tensors of this scope would die with it; those from outside have an owner.
    const scope = tf.engine().state.activeScope.id;
    for (const tensor of tensorsOf(value)) {
      if (tensor.scopeId === scope && !tensor.kept) kept.push(tf.keep(tensor));
    }
    return loss;
  };
  try {
    const xs = trained.map(([, tensor]) => tensor);
    const { grads } = tf.engine().gradients(forward, xs, undefined, true);
    for (const tensor of kept) release(tensor);
    const found = trained.flatMap(([key], i): [string, tf.Tensor][] => (grads[i] ? [[key, grads[i]]] : []));
    // tfjs numbers tensors as they are made.
    return { value: value!, grads: new Params(found.sort(([, a], [, b]) => a.id - b.id)) };
  } catch (error) {
    tf.dispose(kept);
    discardTape();
    throw error;
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
