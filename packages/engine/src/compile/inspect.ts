import * as tf from '@tensorflow/tfjs-core';
import { dataTypeOf } from '../capi/data-type.js';
import { currentEngine } from '../engine.js';
import { EngineError } from '../errors.js';
import type { CompileOptions } from './index.js';
import { estimateMemory, type MemoryEstimate, neededNodes } from './memory-estimate.js';
import { traceProgram } from './program.js';
import type { RecordedGraph } from './recorded-graph.js';
import { isPlainObject, takeApart } from './structure.js';

/** What a function would do, found out without running it. */
export interface Inspection<R> {
  /** Its operations, in the order of tracing. */
  readonly graph: RecordedGraph;
  /** Those that results and effects depend on, by index: the others never run. */
  readonly needed: ReadonlySet<number>;
  /** What a call takes beyond what goes in. */
  readonly memory: MemoryEstimate;
  /** For each value that is an argument: where it stands, e.g. `conv_in.weight`. */
  readonly names: ReadonlyMap<number, string>;
  /** A result of the right nesting, whose tensors have shapes and no values: to be inspected further. */
  readonly result: R;
}

/** Stands for values that there are none of: whoever goes through them is told so. */
const NO_VALUES: Uint8Array[] = Object.defineProperty([], Symbol.iterator, {
  get: () => {
    throw new EngineError('a tensor made by shapeOnly has no values; it can be inspected, and nothing else', {
      code: 'usage',
    });
  },
});

/**
 * A tensor that has a shape and a type but no values and takes no memory: what {@link inspect} needs of its arguments. To
 * use it anywhere else is an error. The caller disposes of it.
 */
export function shapeOnly(shape: readonly number[], dtype: tf.DataType = 'float32'): tf.Tensor {
  const dataId = {};
  const { backend } = currentEngine();
  backend.tensorMap.set(dataId, {
    ...{ shape: [...shape], dtype: dataTypeOf(dtype), id: -1, values: NO_VALUES, refCount: 1 },
  });
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape: [...shape], dtype });
}

/** How a function is going to be compiled and run. */
export interface InspectOptions extends CompileOptions {
  /** Of the engine that will run it, if it is another: see `useEngine`. */
  readonly branches?: number;
}

/**
 * Trace a function as `compile` does, and tell what it would do: nothing runs, and no memory is taken. Arguments, and tensors
 * that it uses from outside, may have no values, by {@link shapeOnly}.
 */
export function inspect<A extends unknown[], R>(
  fn: (...args: A) => R,
  args: A,
  options: InspectOptions = {},
): Inspection<R> {
  const engine = currentEngine();
  const { runtime } = engine.binding;
  const precision = options.precision ?? 'float32';
  const settings = {
    ...{ label: options.name ?? (fn.name || 'inspected'), precision, stateArg: options.state ?? -1 },
    ...{ xla: options.xla ?? false, keepsRecord: true },
  };
  const structures = args.map((arg, i) => takeApart(arg, `args[${i}]`));
  const program = traceProgram(engine, fn as (...args: unknown[]) => unknown, structures, settings);
  runtime.native.TFE_ContextRemoveFunction!(runtime.context, program.name, runtime.status.pointer);
  runtime.status.check({ op: settings.label });
  const graph = program.recorded!;
  return {
    graph,
    needed: neededNodes(graph),
    memory: estimateMemory(graph, {
      half: precision !== 'float32',
      branches: options.branches ?? engine.info.branches,
    }),
    names: argumentNames(graph, args),
    result: program.structure.rebuild(
      program.structure.tensors.map(({ shape, dtype }) => shapeOnly(shape, dtype)),
    ) as R,
  };
}

/**
 * Where each value that is an argument stands. Arguments come first among a graph's placeholders; state is read through
 * variables, which are placeholders too, or the graph's own.
 * @param own index of an argument that is in the graph's own variables; -1: none is
 */
export function argumentNames({ nodes }: RecordedGraph, args: readonly unknown[], own = -1): Map<number, string> {
  const leaves = args.flatMap((arg, i) => (i === own ? [] : [...leafNames(arg, '')]));
  const variables = own < 0 ? [] : [...leafNames(args[own], '')];
  const names = new Map<number, string>();
  for (const { op, inputs, outputs } of nodes) {
    const source = op === 'VarHandleOp' ? variables : op === 'Placeholder' ? leaves : [];
    const name = op === 'ReadVariableOp' ? names.get(inputs[0]!) : source.shift();
    if (name !== undefined) names.set(outputs[0]!, name);
  }
  return names;
}

/** The tensors of a nesting in the order of `takeApart`, by their keys. */
function* leafNames(value: unknown, path: string): Generator<string> {
  const at = (key: unknown): string => (path === '' ? String(key) : `${path}.${String(key)}`);
  if (value instanceof tf.Tensor) yield path;
  else if (Array.isArray(value)) for (const [i, item] of value.entries()) yield* leafNames(item, at(i));
  else if (value instanceof Map) for (const [key, item] of value) yield* leafNames(item, at(key));
  else if (isPlainObject(value)) for (const [key, item] of Object.entries(value)) yield* leafNames(item, at(key));
}
