import * as tf from '@tensorflow/tfjs-core';
import type { Capture } from '../backend.js';
import { AttrKind } from '../capi/attributes.js';
import { functionConfig, type Precision } from '../capi/config-proto.js';
import { DataType, dataTypeOf } from '../capi/data-type.js';
import type { GraphOutput } from '../capi/native.js';
import type { Engine } from '../engine.js';
import { EngineError } from '../errors.js';
import { type PackedWeights, packedBytes, packWeight } from '../kernels/packed-weights.js';
import { tensorLimit } from '../memory-limit.js';
import type { OpAttr } from '../tfjs-node.js';
import { Trace } from '../trace.js';
import { CapturedHandles } from './captured-handles.js';
import { MemoryCheck } from './memory-check.js';
import { estimateMemory } from './memory-estimate.js';
import type { RecordedGraph } from './recorded-graph.js';
import { findState } from './state.js';
import { type Structure, takeApart } from './structure.js';

/** How one function is to be compiled. */
export interface ProgramOptions {
  readonly label: string;
  readonly precision: Precision;
  readonly xla: boolean;
  /** Index of the argument that is the function's state, updated in place; -1 for none. */
  readonly stateArg: number;
  /** Whether weights that are stored in half of float32 are packed: no call may bring others. */
  readonly packs?: boolean;
  /** Whether the program keeps what was traced. */
  readonly keepsRecord?: boolean;
  /** Whether it keeps the graph, for a session, with state in the graph's own variables. */
  readonly keepsGraph?: boolean;
}

/** A result of the TensorFlow function whose shape and type are known beforehand. */
export interface ResultSpec {
  readonly shape: number[];
  readonly dtype: number;
}

/** A traced function for one signature of its arguments, ready to be called. */
export interface Program {
  readonly options: ProgramOptions;
  /** TensorFlow function. */
  readonly name: string;
  readonly nodes: number;
  /** Attributes of each call: mixed precision, XLA. */
  readonly attrs: readonly OpAttr[];
  /** Tensors from outside, read anew at each call. */
  readonly captures: readonly Capture[];
  /** Their handles. */
  readonly captured: CapturedHandles;
  /** Results that are not state, in order. */
  readonly results: readonly ResultSpec[];
  /** For each tensor of the user's result: an index of `results`, or `-1 - i` for state tensor i. */
  readonly sources: readonly number[];
  /** Weights that its kernels keep. */
  readonly packed: PackedWeights;
  /** Of a call's memory; null where there is no limit. */
  readonly memory: MemoryCheck | null;
  /** What was traced, if it is kept. */
  readonly recorded: RecordedGraph | null;
  /** The graph and what it returns, if it is kept; the trace is the caller's then. */
  readonly graph: { readonly trace: Trace; readonly outputs: readonly GraphOutput[] } | null;
  /** The user's result, to be rebuilt from tensors. */
  readonly structure: Structure;
}

/**
 * Run `fn` once on placeholders, and make a TensorFlow function of what it did.
 * Inputs of the function, in order: the tensors of all arguments (state as resources), the token of the previous step if
 * there is state, then the captures.
 */
export function traceProgram(
  { binding, backend, info }: Engine,
  fn: (...args: unknown[]) => unknown,
  args: readonly Structure[],
  options: ProgramOptions,
): Program {
  const { label, stateArg, precision, xla } = options;
  const attrs = callAttributes(options, info.device.startsWith('gpu') ? 'gpu' : 'cpu');
  const trace = new Trace(binding.runtime, label, options.precision, options.xla);
  trace.ownsVariables = options.keepsGraph ?? false;
  const resume = suspendTape();
  let traced: Omit<Program, 'captures' | 'captured'> | undefined;
  let captures: Capture[] = [];
  try {
    backend.beginTrace(trace);
    tf.tidy(() => {
      const inputs = args.map((arg, i) => arg.rebuild(arg.tensors.map(i === stateArg ? readState : placeholder)));
      const token = stateArg < 0 ? null : trace.placeholder(DataType.float, []);
      const value = fn(...inputs);
      if (value instanceof Promise) {
        // It may go on to fail, as nobody waits for it.
        value.catch(() => {});
        throw new EngineError(
          `compile '${label}': the function is asynchronous; only what runs before its first 'await' could be traced. Move the awaits outside.`,
          { code: 'usage' },
        );
      }
      const structure = takeApart(value, 'result');
      const indexOf = stateArg < 0 ? [] : storeState(value, structure);
      const nodes = structure.tensors.map((tensor) => backend.symbolOf(tensor));
      const results: ResultSpec[] = [];
      const outputs = nodes.flatMap(({ output, shape, dtype }, i) => {
        if ((indexOf[i] ?? -1) >= 0) return [];
        results.push({ shape, dtype });
        return [output];
      });
      let next = 0;
      const sources = nodes.map((_, i) => ((indexOf[i] ?? -1) >= 0 ? -1 - indexOf[i]! : next++));
      if (token !== null) outputs.push(trace.sealed(token));
      const graph = options.keepsGraph ? { trace, outputs } : null;
      const { recorded: made, ...finished } = trace.finish(outputs);
      const recorded = options.keepsRecord ? made : null;
      const half = precision !== 'float32';
      const memory =
        tensorLimit() === null || xla
          ? null
          : new MemoryCheck(label, estimateMemory(made, { half, branches: info.branches }));
      const packed = { bytes: packedBytes(trace), held: false };
      traced = { options, attrs, results, sources, structure, packed, memory, recorded, graph, ...finished };
      return [];
    });
  } finally {
    captures = backend.endTrace();
    resume();
    if (!traced?.graph) trace.dispose();
  }
  return { ...traced!, captures, captured: new CapturedHandles(captures) };

  function placeholder(tensor: tf.Tensor): tf.Tensor {
    const dtype = dataTypeOf(tensor.dtype);
    const storedAs = backend.storedAs(tensor);
    const parameter = trace.parameter(dtype, [...tensor.shape], storedAs);
    if (options.packs && storedAs !== undefined) packWeight(trace, parameter.output.oper);
    return backend.tensorOf(binding.addSymbol(trace, parameter));
  }

  function readState(tensor: tf.Tensor): tf.Tensor {
    const index = trace.variable(dataTypeOf(tensor.dtype), tensor.shape);
    return backend.tensorOf(binding.addSymbol(trace, trace.readVariable(index), index));
  }

  function storeState(value: unknown, structure: Structure): readonly number[] {
    const state = findState(label, args[stateArg]!, value, structure);
    state.tensors.forEach((tensor, i) => {
      const { output, dtype } = backend.symbolOf(tensor);
      if (trace.isCurrent(output, i)) return;
      trace.update('AssignVariableOp', [{ name: 'dtype', type: AttrKind.type, value: dtype }], [i, output]);
    });
    return state.indexOf;
  }
}

function callAttributes({ precision, xla }: ProgramOptions, device: 'cpu' | 'gpu'): readonly OpAttr[] {
  const config: OpAttr = { name: 'config_proto', type: AttrKind.string, value: functionConfig(precision, device) };
  return xla ? [config, { name: '_XlaMustCompile', type: AttrKind.bool, value: true }] : [config];
}

/** Take the caller's gradient tape off: what is traced is no operation of the caller's. @returns puts it back */
function suspendTape(): () => void {
  const { state } = tf.engine();
  const { activeTape, gradientDepth, kernelDepth } = state;
  state.gradientDepth = 0;
  state.kernelDepth = 0;
  return () => Object.assign(state, { activeTape, gradientDepth, kernelDepth });
}
