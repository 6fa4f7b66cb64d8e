import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../backend.js';
import { AttrKind } from '../capi/attributes.js';
import { DataType } from '../capi/data-type.js';
import { currentEngine } from '../engine.js';
import type { OpAttr } from '../tfjs-node.js';

/** The type attribute that most operations have, for float32. */
export const FLOAT: OpAttr = { name: 'T', type: AttrKind.type, value: DataType.float };

export const typeAttr = (name: string, value: number): OpAttr => ({ name, type: AttrKind.type, value });
export const boolAttr = (name: string, value: boolean): OpAttr => ({ name, type: AttrKind.bool, value });
export const intAttr = (name: string, value: number | readonly number[]): OpAttr => ({
  name,
  type: AttrKind.int,
  value,
});
export const stringAttr = (name: string, value: string): OpAttr => ({ name, type: AttrKind.string, value });

/** Run a TensorFlow operation of one result: at once, or as a node of the function being traced. */
export function op(name: string, attrs: readonly OpAttr[], inputs: readonly tf.TensorInfo[]): tf.Tensor {
  return currentEngine().backend.executeSingleOutput(name, attrs, inputs);
}

/** The same for several results. */
export function ops(
  name: string,
  attrs: readonly OpAttr[],
  inputs: readonly tf.TensorInfo[],
  outputs: number,
): tf.Tensor[] {
  return currentEngine().backend.executeMultipleOutputs(name, attrs, inputs, outputs);
}

/**
 * A kernel for tfjs's registry. tfjs passes inputs and attributes as untyped maps; this is the one place that gives them
 * the types of the kernel's contract. What the kernel leaves behind is freed.
 * @param compute returns an array for kernels of our own; for tfjs's own ones what tfjs expects, usually one tensor
 */
export function defineKernel<Inputs extends { [name: string]: tf.Tensor }, Attrs = object>(
  kernelName: string,
  compute: (inputs: Inputs, attrs: Attrs) => tf.Tensor | tf.Tensor[],
): tf.KernelConfig {
  return {
    kernelName,
    backendName: BACKEND_NAME,
    kernelFunc: ({ inputs, attrs }) => tf.tidy(() => compute(inputs as Inputs, attrs as Attrs)),
  };
}
