import * as tf from '@tensorflow/tfjs-core';
import type { KernelName } from './kernel-contracts.js';

/** Attributes as tfjs-core passes them to a kernel. */
export type KernelAttrs = tf.NamedAttrMap;

/** True if the current backend registers a kernel of this name. */
export function hasKernel(name: string): boolean {
  return tf.getKernel(name, tf.getBackend()) != null;
}

/**
 * Run the backend's kernel if it registers one of this name, else the composed form. The kernel is visible to autodiff by
 * its registered gradient; `fallback` by whatever ops it is made of.
 * @returns the kernel's outputs, always as an array.
 */
export function runKernelOr(
  name: KernelName,
  inputs: tf.NamedTensorMap,
  attrs: KernelAttrs,
  fallback: () => tf.Tensor[],
): tf.Tensor[] {
  return hasKernel(name) ? runKernel(name, inputs, attrs) : fallback();
}

/** Run a kernel that the backend is known to have. @returns its outputs, always as an array */
export function runKernel(name: KernelName, inputs: tf.NamedTensorMap, attrs: KernelAttrs): tf.Tensor[] {
  const outputs = tf.engine().runKernel<tf.Tensor | tf.Tensor[]>(name, inputs, attrs);
  return Array.isArray(outputs) ? outputs : [outputs];
}

/** An op of one output `y` with its gradient, both written in plain tfjs-core ops. */
export interface OpDefinition<I extends string, A extends KernelAttrs> {
  readonly name: KernelName;
  /** The gradient's kernel; gets dy and every input of `gradInputs`. */
  readonly gradName: KernelName;
  /** Names of the inputs, in order. */
  readonly inputs: readonly I[];
  /** The inputs that the gradient reads, and `y` where it reads the output too; saved on the tape. */
  readonly gradInputs: readonly (I | 'y')[];
  forward(inputs: Record<I, tf.Tensor>, attrs: A): tf.Tensor;
  /** One gradient for each input, in order. Runs outside any tape. */
  backward(dy: tf.Tensor, saved: Record<I | 'y', tf.Tensor>, attrs: A): tf.Tensor[];
}

/**
 * Make the function of an op: kernel where the backend has one, composed form elsewhere; in both cases the tape holds one
 * node that saves only `gradInputs`, and the backward pass again prefers the backend's gradient kernel.
 */
export function defineOp<I extends string, A extends KernelAttrs>(
  op: OpDefinition<I, A>,
): (inputs: Record<I, tf.Tensor>, attrs: A) => tf.Tensor {
  const named = <N extends string>(tensors: readonly tf.Tensor[], names: readonly N[]) =>
    Object.fromEntries(names.map((name, i) => [name, tensors[i]!])) as Record<N, tf.Tensor>;
  const readsOutput = op.gradInputs.includes('y');
  const inputsToSave = op.gradInputs.filter((name): name is I => name !== 'y');
  // tfjs hands out saved inputs first, then saved outputs.
  const saved: readonly (I | 'y')[] = readsOutput ? [...inputsToSave, 'y'] : inputsToSave;

  const gradients = (dy: tf.Tensor, tensors: readonly tf.Tensor[], attrs: A): tf.Tensor[] => {
    const inputs = named(tensors, saved);
    return runKernelOr(op.gradName, { dy, ...inputs }, attrs, () => tf.tidy(() => op.backward(dy, inputs, attrs)));
  };

  tf.registerGradient({
    kernelName: op.name,
    inputsToSave,
    outputsToSave: [readsOutput],
    gradFunc: (dy, tensors, attrs) => {
      // One kernel gives all gradients, so it runs once, here; the thunks only hand them out.
      const grads = gradients(dy as tf.Tensor, tensors, attrs as A);
      return Object.fromEntries(op.inputs.map((name, i) => [name, () => grads[i]!]));
    },
  });

  return (inputs, attrs) => {
    const [y] = runKernelOr(op.name, inputs, attrs, () => {
      const compose = tf.customGrad((...args) => {
        const save = args[args.length - 1] as tf.GradSaveFunc;
        const tensors = named(args as tf.Tensor[], op.inputs);
        const value = op.forward(tensors, attrs);
        save([...inputsToSave.map((name) => tensors[name]), ...(readsOutput ? [value] : [])]);
        return { value, gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => gradients(dy, saved, attrs) };
      });
      return [compose(...op.inputs.map((name) => inputs[name]))];
    });
    return y!;
  };
}
