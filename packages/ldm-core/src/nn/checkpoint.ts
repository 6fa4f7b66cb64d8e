import * as tf from '@tensorflow/tfjs-core';
import { runKernelOr } from './kernel.js';
import { offTape } from './off-tape.js';
import { Params } from './params.js';

/**
 * Gradient checkpointing (Chen et al. 2016): run `fn` without keeping its intermediate values, and run it again when its
 * gradient is asked for. Values and gradients are those of `fn(params, ...inputs)`, to the last bit when run eagerly.
 *
 * Only what is passed gets a gradient: a tensor that `fn` takes from its closure counts as a constant. So pass the weights,
 * usually `params.under(path)`, and every input that depends on a trained value. Integer inputs (ids, seeds) are passed
 * through without a gradient; a weight that `fn` does not use gets a zero one. First-order gradients only.
 *
 * @param fn pure: called a second time, it must compute the same; random draws come from an `Rng` it is handed
 */
export function checkpoint<T extends tf.Tensor>(
  fn: (p: Params, ...inputs: tf.Tensor[]) => T,
  params: Params,
  ...inputs: tf.Tensor[]
): T {
  const keys = [...params.keys()];
  const run = (tensors: readonly tf.Tensor[]): T =>
    fn(new Params(keys.map((key, i) => [key, tensors[i]!])), ...tensors.slice(keys.length));

  const op = tf.customGrad<T>((...args) => {
    const save = args.pop() as tf.GradSaveFunc;
    const tensors = args as tf.Tensor[];
    save(tensors);
    const y = run(tensors);
    return {
      // An input handed back would be input and output of one node of the tape.
      value: tensors.includes(y) ? tf.clone(y) : y,
      gradFunc: (dy: T, saved: tf.Tensor[]) => tf.tidy(() => recomputeGradients(run, recomputeBarrier(saved, dy), dy)),
    };
  });
  return op(...params.values(), ...inputs);
}

/**
 * The same tensors, for computing something again: a backend that traces makes the second computation wait for dy and
 * keeps it apart from the first, instead of merging the two and keeping every intermediate value alive.
 */
export function recomputeBarrier(tensors: readonly tf.Tensor[], dy: tf.Tensor): tf.Tensor[] {
  const named = Object.fromEntries(tensors.map((tensor, i) => [`x${i}`, tensor]));
  return runKernelOr('RecomputeBarrier', { dy, ...named }, {}, () => tensors.map((tensor) => tf.clone(tensor)));
}

/** Gradients of `run` at `tensors`, zero where a tensor has none. */
function recomputeGradients(
  run: (tensors: readonly tf.Tensor[]) => tf.Tensor,
  tensors: tf.Tensor[],
  dy: tf.Tensor,
): tf.Tensor[] {
  const floats = tensors.filter((tensor) => tensor.dtype === 'float32');
  const { grads } = offTape(() => tf.engine().gradients(() => run(tensors), floats, dy, true));
  const byTensor = new Map(floats.map((tensor, i) => [tensor, grads[i]]));
  return tensors.map((tensor) => {
    const grad = byTensor.get(tensor) ?? tf.zeros(tensor.shape);
    // tfjs disposes a gradient once it has added it to another; dy is not ours to give away.
    return grad === dy ? tf.clone(grad) : grad;
  });
}
