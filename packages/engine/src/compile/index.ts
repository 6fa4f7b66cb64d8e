import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../backend.js';
import { PRECISIONS, type Precision } from '../capi/config-proto.js';
import { currentEngine, type Engine } from '../engine.js';
import { EngineError } from '../errors.js';
import { giveBackMemory } from '../give-back.js';
import { packsWeights } from '../kernels/packed-weights.js';
import { callProgram } from './call.js';
import { describeLeaves, firstDifference } from './difference.js';
import { callOnTape, forgetPullback } from './gradient.js';
import { type Program, type ProgramOptions, traceProgram } from './program.js';
import { type Structure, sameSignature, takeApart } from './structure.js';

/** Functions kept for different shapes and plain values of one compiled function's arguments. */
const CACHE_SIZE = 16;
/** Nodes from which on what tracing leaves behind is worth the time of giving it back: those of a whole model. */
const LARGE = 1000;
/** Retraces for one and the same reason before a warning names it. */
const WARN_AFTER = 4;

/** Options of {@link compile}. */
export interface CompileOptions {
  /** Shown in errors, warnings and profiles. Default: the function's own name. */
  readonly name?: string;
  /**
   * What TensorFlow computes in, operation by operation where it is safe; arguments, weights and results stay float32.
   * `bfloat16` is for CPUs, `float16` for GPUs; loss scaling is the caller's. Default `float32`.
   */
  readonly precision?: Precision;
  /** Compile with XLA. On CPUs this is usually slower than the default. */
  readonly xla?: boolean;
  /**
   * Index of an argument that is the function's state: it is consumed by the call, updated in place, and returned as the
   * result or as a direct member of it. A step of this kind needs no second copy of its weights.
   */
  readonly state?: number;
  /** How many traces to keep, the least recently used go first. Default 16. */
  readonly cacheSize?: number;
}

/** A function that runs as one TensorFlow function. */
export interface Compiled<A extends unknown[], R> {
  (...args: A): R;
  /** How often the function has been traced so far. */
  readonly traces: number;
  /** Forget all traces and free them. */
  dispose(): void;
}

interface Entry {
  readonly signature: readonly unknown[];
  readonly program: Program;
}

/**
 * Turn a function of tensors into one that runs as a single TensorFlow function: optimised as a whole, off the main thread.
 * Arguments and results are any nesting of arrays, objects and Maps of tensors, and plain values. The function is traced
 * again for each new nesting, shape, type or plain value. Tensors it uses from outside are read at each call. Called inside
 * another compiled function, it becomes part of that one; under `tf.grad` and its kin it is differentiated as a whole.
 *
 * @example
 * const step = compile((x: tf.Tensor2D, w: tf.Tensor2D) => tf.relu(tf.matMul(x, w)), { precision: 'bfloat16' });
 * const y = await step(x, w).data();
 * @throws EngineError at the first call for whatever cannot be part of a function: reading values, JavaScript randomness,
 *   shapes that depend on values; it names the operation and the user's line
 */
export function compile<A extends unknown[], R>(fn: (...args: A) => R, options: CompileOptions = {}): Compiled<A, R> {
  const cacheSize = options.cacheSize ?? CACHE_SIZE;
  const settings: ProgramOptions = {
    label: options.name ?? (fn.name || 'compiled'),
    precision: options.precision ?? 'float32',
    xla: options.xla ?? false,
    stateArg: options.state ?? -1,
  };
  if (!Number.isInteger(cacheSize) || cacheSize < 1)
    throw new EngineError(`compile '${settings.label}': cacheSize is ${cacheSize}; at least 1 is wanted`, {
      code: 'usage',
    });
  if (!PRECISIONS.includes(settings.precision))
    throw new EngineError(
      `compile '${settings.label}': precision is '${settings.precision}'; one of ${PRECISIONS.join(', ')} is wanted`,
      { code: 'usage' },
    );
  let entries: Entry[] = [];
  const watch = new RetraceWatch(settings.label);
  const untyped = fn as (...args: unknown[]) => unknown;

  function lookUp(engine: Engine, args: readonly unknown[], structures: readonly Structure[]): Program {
    const packs = packsWeights(engine, settings);
    const stored = storedWeights(engine, structures, packs);
    const signature = [...structures.flatMap(({ signature }) => signature), ...stored];
    const hit = entries.findIndex((entry) => sameSignature(entry.signature, signature));
    if (hit === 0) return entries[0]!.program;
    if (hit > 0) {
      entries.unshift(...entries.splice(hit, 1));
      return entries[0]!.program;
    }
    watch.missed(args);
    compiled.traces++;
    const program = traceProgram(engine, untyped, structures, { ...settings, packs });
    if (program.nodes >= LARGE) giveBackMemory();
    entries.unshift({ signature, program });
    for (const { program } of entries.splice(cacheSize)) forget(engine, program);
    return program;
  }

  function call(...args: A): R {
    const engine = currentEngine();
    if (engine.binding.trace !== null) return fn(...args);
    refuseOtherBackend(settings.label);
    if (settings.stateArg >= args.length)
      throw new EngineError(
        `compile '${settings.label}': state is argument ${settings.stateArg}, but the call has ${args.length} argument(s)`,
        { code: 'usage' },
      );
    const structures = args.map((arg, i) => takeApart(arg, `args[${i}]`));
    const program = lookUp(engine, args, structures);
    const run = () => callProgram(engine, program, structures);
    const { gradientDepth, kernelDepth } = tf.engine().state;
    const result =
      gradientDepth > 0 && kernelDepth === 0 ? callOnTape(engine, untyped, program, structures, compile) : run();
    return result as R;
  }

  const compiled = Object.assign(call, {
    traces: 0,
    dispose: () => {
      const engine = currentEngine();
      for (const { program } of entries) forget(engine, program);
      entries = [];
    },
  });
  return Object.defineProperty(compiled, 'name', { value: settings.label });
}

/** Another backend's kernels cannot take part in a function, and tfjs would pass its tensors to and fro without end. */
function refuseOtherBackend(label: string): void {
  const active = tf.getBackend();
  if (active === BACKEND_NAME) return;
  throw new EngineError(
    `compile '${label}': tfjs's active backend is '${active}', but compiled functions run on the engine; ` +
      `call await tf.setBackend('${BACKEND_NAME}') first`,
    { code: 'usage', op: label },
  );
}

/**
 * The narrower types in which arguments are stored, by position among all tensors; most often there are none. Where they are
 * packed, which they are: a function's kernels keep the weights of its first call.
 */
function storedWeights({ binding, backend }: Engine, structures: readonly Structure[], packs: boolean): number[] {
  if (binding.slots.narrowed === 0) return [];
  const tensors = structures.flatMap(({ tensors }) => tensors);
  return tensors.flatMap((tensor, i) => {
    const type = backend.storedAs(tensor);
    return type === undefined ? [] : packs ? [i, type, backend.idOf(tensor)] : [i, type];
  });
}

function forget({ binding }: Engine, program: Program): void {
  forgetPullback(program);
  const { runtime, slots } = binding;
  runtime.drain();
  if (program.packed.held) slots.packedBytes -= program.packed.bytes;
  runtime.native.TFE_ContextRemoveFunction!(runtime.context, program.name, runtime.status.pointer);
  runtime.status.check({ op: program.options.label });
}

/** Notices an argument that makes every call trace anew. */
class RetraceWatch {
  private last: Map<string, string> | undefined;
  private readonly counts = new Map<string, number>();

  constructor(private readonly label: string) {}

  missed(args: readonly unknown[]): void {
    const leaves = describeLeaves(args, 'args');
    const difference = this.last && firstDifference(this.last, leaves);
    this.last = leaves;
    if (!difference) return;
    const [path, before, after] = difference;
    const count = (this.counts.get(path) ?? 0) + 1;
    this.counts.set(path, count);
    if (count !== WARN_AFTER) return;
    process.emitWarning(
      `compile '${this.label}' was traced ${count + 1} times because ${path} keeps changing (lately ${before} -> ${after}). Each trace costs time and memory: pass changing numbers as tensors (tf.scalar), and keep shapes fixed.`,
      'EngineWarning',
    );
  }
}
