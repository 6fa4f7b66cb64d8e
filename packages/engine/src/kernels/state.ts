import type { Tensor, TensorInfo } from '@tensorflow/tfjs-core';
import type { GraphOutput, Pointer } from '../capi/native.js';
import { currentEngine } from '../engine.js';
import { poolSizes } from '../pool-sizes.js';
import type { Trace } from '../trace.js';

/** State variables of the step being traced, whose present values an update was given. */
export interface InPlace {
  readonly trace: Trace;
  readonly variables: readonly number[];
  /** The graph value of any other tensor. */
  output(tensor: TensorInfo): GraphOutput;
  /** The value a variable has after the updates so far. */
  read(variable: number): Tensor;
  /** Build an update after all updates before it, so that temporaries of only one exist at a time. */
  inTurn<T>(build: () => T): T;
  /**
   * Build an update by a gradient, nothing of which happens before the gradient is there. A thread then goes on from a gradient
   * to its update, and the gradient is gone; if updates waited for each other it would compute further gradients meanwhile.
   * Where operations run one at a time it would do those first anyway, so there updates are in turn.
   */
  onceThere<T>(gradient: TensorInfo, build: () => T): T;
}

/**
 * Whether `tensors` can be updated where they are: a step is being traced, and they are the present values of its state.
 * @returns null if they cannot; then an update has to make new tensors
 */
export function inPlace(tensors: readonly TensorInfo[]): InPlace | null {
  const { binding, backend, info } = currentEngine();
  const { trace } = binding;
  if (trace === null) return null;
  const inTurn = <T>(build: () => T): T => {
    const last: Pointer | null = trace.lastEffect;
    return trace.following(last === null ? [] : [last], build);
  };
  const output = (tensor: TensorInfo): GraphOutput => backend.symbolOf(tensor).output;
  const variables: number[] = [];
  for (const tensor of tensors) {
    const slot = backend.symbolOf(tensor);
    if (slot.variable === undefined || !trace.isCurrent(slot.output, slot.variable)) return null;
    variables.push(slot.variable);
  }
  if (new Set(variables).size !== variables.length) return null;
  return {
    trace,
    variables,
    output,
    read: (variable) => backend.tensorOf(binding.addSymbol(trace, trace.readVariable(variable), variable)),
    inTurn,
    onceThere: (gradient, build) =>
      poolSizes(info).interOpThreads === 1 ? inTurn(build) : trace.following([output(gradient).oper], build),
  };
}
