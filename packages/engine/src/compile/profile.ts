import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import { functionConfig, sessionConfig } from '../capi/config-proto.js';
import { type GraphOutput, type Pointer, readBuffer } from '../capi/native.js';
import { varintField } from '../capi/proto.js';
import { Status } from '../capi/status.js';
import { type NodeStats, readStepStats } from '../capi/step-stats.js';
import { currentEngine, type Engine } from '../engine.js';
import { EngineError } from '../errors.js';
import { packsWeights } from '../kernels/packed-weights.js';
import { poolSizes } from '../pool-sizes.js';
import type { CompileOptions } from './index.js';
import { moduleNames } from './module-names.js';
import { type Program, traceProgram } from './program.js';
import { type Structure, takeApart } from './structure.js';

/** One operation of the optimised function, as it ran. */
export interface ProfiledOp {
  /** TensorFlow's name of the kernel, e.g. `_MklNativeFusedConv2D`. */
  readonly op: string;
  /** Name in the graph. */
  readonly node: string;
  /** Where in the model it stands, as far as the names of its weights tell; '' if they do not. */
  readonly where: string;
  /** Time that it computed, in seconds. */
  readonly seconds: number;
  /** Bytes that it read and wrote. */
  readonly bytes: number;
}

/** Runs before the one that is measured: the first one is optimised, the second meets warm memory. */
const WARM_UPS = 2;
/** Runs that are traced; each operation is shown at its fastest. */
const TRACED = 3;
/** RunOptions: trace_level FULL_TRACE. */
const FULL_TRACE = Uint8Array.from(varintField(1, 3));

/**
 * Run a function as `compile` would, in a session of its own, and tell for each operation how long it took. State is copied,
 * not consumed. The call blocks, and tracing makes operations a little slower.
 * @throws EngineError where `compile` or its call would
 */
export function profile<A extends unknown[]>(
  fn: (...args: A) => unknown,
  args: A,
  options: CompileOptions = {},
): ProfiledOp[] {
  const engine = currentEngine();
  const { runtime } = engine.binding;
  const precision = options.precision ?? 'float32';
  const structures = args.map((arg, i) => takeApart(arg, `args[${i}]`));
  const program = traceProgram(engine, fn as (...args: unknown[]) => unknown, structures, {
    ...{ label: options.name ?? (fn.name || 'profiled'), precision, xla: false, stateArg: options.state ?? -1 },
    ...{ keepsRecord: true, keepsGraph: true, packs: packsWeights(engine, { precision, xla: false }) },
  });
  runtime.native.TFE_ContextRemoveFunction!(runtime.context, program.name, runtime.status.pointer);
  const session = new Session(engine, program, structures);
  try {
    for (let i = 0; i < WARM_UPS; i++) session.run(false);
    const runs = Array.from({ length: TRACED }, () => readStepStats(session.run(true)!));
    const stats = fastest(runs);
    const where = moduleNames(program.recorded!, args, options.state ?? -1);
    return profiled(stats, where);
  } finally {
    session.dispose();
    program.graph!.trace.dispose();
  }
}

/** The operations of the first run, each with the least time that it took in any. */
function fastest([first, ...others]: readonly (readonly NodeStats[])[]): NodeStats[] {
  const least = new Map(first!.map(({ name, micros }) => [name, micros]));
  for (const { name, micros } of others.flat()) least.set(name, Math.min(micros, least.get(name) ?? micros));
  return first!.map((node) => ({ ...node, micros: least.get(node.name)! }));
}

/** Bytes of inputs are those of the outputs that they are. */
function profiled(stats: readonly NodeStats[], where: ReadonlyMap<string, string>): ProfiledOp[] {
  const outputs = new Map(stats.map(({ name, outputBytes }) => [name, outputBytes]));
  return stats.map(({ name, op, micros, inputs, outputBytes }) => {
    const read = inputs.map(({ name, slot }) => outputs.get(name)?.[slot] ?? 0);
    const bytes = [...read, ...outputBytes].reduce((sum, size) => sum + (size ?? 0), 0);
    // Rewritten nodes begin with the name of what they were made from.
    const origin = /[nc]\d+/.exec(name)?.[0] ?? '';
    const place = where.get(origin) ?? '';
    // A fused kernel has the name of the last operation in it, which comes after the one with the weights.
    const standing = op.includes('Fused') ? place.replace(/^after /, '') : place;
    return { op, node: name, where: standing, seconds: micros / 1e6, bytes };
  });
}

/** A session on a traced graph, with its inputs. */
class Session {
  private readonly session: Pointer;
  private readonly status: Status;
  private readonly parameters: readonly GraphOutput[];
  private readonly outputs: readonly GraphOutput[];
  private readonly feeds: Pointer[] = [];

  constructor(
    private readonly engine: Engine,
    private readonly program: Program,
    args: readonly Structure[],
  ) {
    const { native } = engine.binding.runtime;
    const { info } = engine;
    this.status = new Status(native);
    const { trace } = program.graph!;
    const { stateArg, precision, label } = program.options;
    const parameters = [...trace.parameters];
    // Behind copies, as a function returns its results: what is fetched itself is left as it is by the optimiser.
    this.outputs = program.graph!.outputs.map((output) => {
      const type = { name: 'T', type: AttrKind.type, value: native.TF_OperationOutputType!(output) as number };
      return trace.operation('Identity', [type], [output], 1)[0]!.output;
    });
    // State is given to the graph's own variables once, before anything runs.
    const initializers = trace.initializers();
    const device = info.device.startsWith('gpu') ? 'gpu' : 'cpu';
    const config = Uint8Array.from([...sessionConfig(poolSizes(info)), ...functionConfig(precision, device)]);
    const options = native.TF_NewSessionOptions!() as Pointer;
    native.TF_SetConfig!(options, config, config.length, this.status.pointer);
    this.session = native.TF_NewSession!(trace.graph, options, this.status.pointer) as Pointer;
    native.TF_DeleteSessionOptions!(options);
    this.status.check({ op: label });
    const given = args.flatMap(({ tensors }, i) => (i === stateArg ? [] : tensors));
    const { backend } = engine;
    for (const tensor of given) this.feeds.push(this.tensorOf(backend.idOf(tensor), backend.storedAs(tensor)));
    if (stateArg >= 0) this.feeds.push(this.token());
    for (const capture of program.captures)
      this.feeds.push(this.tensorOf(backend.captureId(capture, label), capture.storedAs));
    if (this.feeds.length !== parameters.length)
      throw new EngineError(`profile '${label}': ${parameters.length} parameters, ${this.feeds.length} values`, {
        code: 'internal',
      });
    this.parameters = parameters;
    if (stateArg < 0) return;
    const state = args[stateArg]!.tensors.map((tensor) => this.tensorOf(engine.backend.idOf(tensor)));
    this.execute(
      initializers.map(({ value }) => value),
      state,
      [],
      initializers.map(({ assign }) => assign),
      null,
      null,
    );
    for (const tensor of state) native.TF_DeleteTensor!(tensor);
  }

  /** One run. @returns its metadata if it was traced */
  run(traced: boolean): Uint8Array | null {
    const { native } = this.engine.binding.runtime;
    const { trace } = this.program.graph!;
    const options = traced ? (native.TF_NewBufferFromString!(FULL_TRACE, FULL_TRACE.length) as Pointer) : null;
    const metadata = traced ? (native.TF_NewBuffer!() as Pointer) : null;
    try {
      this.execute(this.parameters, this.feeds, this.outputs, trace.effectOpers, options, metadata);
      return metadata === null ? null : readBuffer(metadata);
    } finally {
      if (options !== null) native.TF_DeleteBuffer!(options);
      if (metadata !== null) native.TF_DeleteBuffer!(metadata);
    }
  }

  dispose(): void {
    const { native } = this.engine.binding.runtime;
    for (const tensor of this.feeds) native.TF_DeleteTensor!(tensor);
    native.TF_CloseSession!(this.session, this.status.pointer);
    native.TF_DeleteSession!(this.session, this.status.pointer);
    this.status.dispose();
  }

  private execute(
    inputs: readonly GraphOutput[],
    values: readonly Pointer[],
    outputs: readonly GraphOutput[],
    targets: readonly Pointer[],
    options: Pointer | null,
    metadata: Pointer | null,
  ): void {
    const { native } = this.engine.binding.runtime;
    const results: (Pointer | null)[] = new Array(outputs.length).fill(null);
    native.TF_SessionRun!(
      ...[this.session, options, inputs, BigUint64Array.from(values), inputs.length],
      ...[outputs, results, outputs.length, BigUint64Array.from(targets), targets.length, metadata],
      this.status.pointer,
    );
    for (const tensor of results) if (tensor !== null) native.TF_DeleteTensor!(tensor);
    this.status.check({ op: this.program.options.label });
  }

  /**
   * The values of a tensor, waited for; on a CPU they are shared, not copied.
   * @param storedAs the type that they are taken in, where that is narrower than the tensor's
   */
  private tensorOf(id: number, storedAs?: number): Pointer {
    const { binding } = this.engine;
    const { native } = binding.runtime;
    const slot = binding.slots.get(id);
    const asStored = slot.kind === 'eager' && slot.storedAs === storedAs ? slot : null;
    const readable = asStored ?? binding.readable(id);
    try {
      const tensor = native.TFE_TensorHandleResolve!(readable.handle, this.status.pointer) as Pointer;
      this.status.check({ op: 'profile' });
      return tensor;
    } finally {
      if (asStored === null) binding.release(readable);
    }
  }

  /** What stands for the step before the first one. */
  private token(): Pointer {
    const one = tf.scalar(0);
    try {
      return this.tensorOf(this.engine.backend.idOf(one));
    } finally {
      one.dispose();
    }
  }
}
