import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { type Engine, setEngine } from '../../src/engine.js';
import type { Trace } from '../../src/trace.js';

/** What a kernel asks of the engine before it chooses its form. */
export interface PlainEngine {
  onGpu: boolean;
  trace: Pick<Trace, 'precision' | 'xla'> | null;
  /** TensorFlow operations that kernels asked for by name, and what they got instead of results. */
  readonly operations: {
    readonly name: string;
    readonly attrs: readonly unknown[];
    readonly inputs: readonly tf.TensorInfo[];
  }[];
}

/**
 * An engine of nothing but tfjs's JavaScript backend: for the arithmetic of kernels that are written in tfjs operations,
 * and for what they choose on devices that this machine lacks. No library is loaded.
 */
export async function startPlainEngine(): Promise<PlainEngine> {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const plain: PlainEngine = { onGpu: false, trace: null, operations: [] };
  const binding = {
    runtime: {
      get onGpu() {
        return plain.onGpu;
      },
    },
    get trace() {
      return plain.trace;
    },
  };
  const run = (name: string, attrs: readonly unknown[], inputs: readonly tf.TensorInfo[]): tf.Tensor => {
    plain.operations.push({ name, attrs, inputs });
    return tf.scalar(plain.operations.length);
  };
  const backend = {
    executeSingleOutput: run,
    executeMultipleOutputs: (
      name: string,
      attrs: readonly unknown[],
      inputs: readonly tf.TensorInfo[],
      count: number,
    ) => Array.from({ length: count }, () => run(name, attrs, inputs)),
  };
  setEngine({ binding, backend, info: { threads: 1, branches: 1 } } as object as Engine);
  return plain;
}

/** Run the function of a kernel on the current backend, whatever backend it is made for. */
export function callKernel(
  { kernelFunc }: tf.KernelConfig,
  inputs: { readonly [name: string]: tf.Tensor },
  attrs: object = {},
): tf.Tensor[] {
  const outputs = kernelFunc({ inputs, attrs: attrs as tf.NamedAttrMap, backend: tf.backend() });
  return (Array.isArray(outputs) ? outputs : [outputs]) as tf.Tensor[];
}
