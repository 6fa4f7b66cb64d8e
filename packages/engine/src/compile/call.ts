import * as tf from '@tensorflow/tfjs-core';
import { AttrKind, setAttribute } from '../capi/attributes.js';
import { DataType } from '../capi/data-type.js';
import type { Pointer } from '../capi/native.js';
import type { Engine } from '../engine.js';
import { EngineError } from '../errors.js';
import { SharedHandle, type VariableSlot } from '../slots.js';
import type { Program } from './program.js';
import type { Structure } from './structure.js';

/** TensorFlow's name for a variable that lives exactly as long as its handle. */
const ANONYMOUS = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/**
 * Call a program: it is queued, and runs off the main thread. The results are tensors at once; reading them waits.
 * State tensors are consumed.
 */
export function callProgram(engine: Engine, program: Program, args: readonly Structure[]): unknown {
  const { binding, backend } = engine;
  const { label, stateArg } = program.options;
  const tensors = args.flatMap((arg) => arg.tensors);
  if (stateArg >= 0) refuseSharing(label, args, stateArg);
  const readables: ReturnType<typeof binding.readable>[] = [];
  const state = stateArg < 0 ? [] : args[stateArg]!.tensors.map((tensor) => variableSlot(engine, tensor));
  const handles = new BigUint64Array(tensors.length + program.captures.length + (stateArg < 0 ? 0 : 1));
  let at = 0;
  const push = (id: number): void => {
    const readable = binding.readable(id);
    readables.push(readable);
    handles[at++] = readable.handle;
  };
  let outputs: Pointer[];
  // The step before this one has to be done, and done well: its token is an input.
  const token = stateArg < 0 ? null : (state[0]?.written ?? newToken(engine)).retain();
  try {
    args.forEach(({ tensors }, i) => {
      if (i === stateArg) for (const { resource } of state) handles[at++] = resource;
      else for (const tensor of tensors) push(backend.idOf(tensor));
    });
    if (token !== null) handles[at++] = token.handle;
    for (const capture of program.captures) push(backend.captureId(capture, label));
    outputs = enqueue(engine, program, handles);
  } finally {
    for (const readable of readables) binding.release(readable);
    token?.release();
  }

  const results = program.results.map(({ shape, dtype }, i) =>
    backend.tensorOf({ id: binding.slots.add({ kind: 'eager', handle: outputs[i]!, shape, dtype }), shape, dtype }),
  );
  const updated = stateArg < 0 ? [] : handOver(engine, label, args[stateArg]!.tensors, state, outputs.at(-1)!);
  return program.structure.rebuild(
    program.sources.map((source) => (source < 0 ? updated[-1 - source]! : results[source]!)),
  );
}

/** Consume the old state's tensors and give their variables to new ones. */
function handOver(
  { binding, backend }: Engine,
  label: string,
  old: readonly tf.Tensor[],
  state: readonly VariableSlot[],
  written: Pointer,
): tf.Tensor[] {
  const shared = new SharedHandle(written, (handle) => binding.runtime.deleteHandle(handle));
  if (state.length === 0) binding.runtime.deleteHandle(written);
  return state.map(({ resource, shape, dtype }, i) => {
    backend.consume(old[i]!, resource, label);
    const id = binding.slots.add({ kind: 'variable', resource, written: shared.retain(), shape, dtype });
    return backend.tensorOf({ id, shape, dtype });
  });
}

function enqueue({ binding, info }: Engine, program: Program, handles: BigUint64Array): Pointer[] {
  const { runtime } = binding;
  const { native, status, context, explicitDevice } = runtime;
  const count = program.results.length + (program.options.stateArg < 0 ? 0 : 1);
  const execute = (): { results: Pointer[]; error: EngineError | null } => {
    const op = native.TFE_NewOp!(context, program.name, status.pointer) as Pointer;
    status.check({ op: program.options.label });
    if (explicitDevice !== null) native.TFE_OpSetDevice!(op, explicitDevice, status.pointer);
    for (const attr of program.attrs) setAttribute(native, op, false, attr, status.pointer);
    native.TFE_OpAddInputList!(op, handles, handles.length, status.pointer);
    const results: (Pointer | null)[] = new Array(count).fill(null);
    native.TFE_Execute!(op, results, [count], status.pointer);
    const error = status.error({ op: program.options.label, device: info.device });
    native.TFE_DeleteOp!(op);
    return { results: results as Pointer[], error };
  };
  // An operation takes its queue when it is made, not when it is executed.
  const run = () => runtime.queued(execute);
  let outcome = run();
  if (outcome.error !== null) {
    // The queue refuses new work after a failed call. What depends on that call stays poisoned; anything else may run.
    runtime.clearQueueError();
    outcome = run();
  }
  if (outcome.error !== null) throw outcome.error;
  runtime.handles += count;
  return outcome.results;
}

/**
 * The variable behind a state tensor. A plain tensor is turned into one first, without copying its value; it stays what it
 * was for its owner, should the call fail.
 */
function variableSlot(engine: Engine, tensor: tf.Tensor): VariableSlot {
  const { binding, backend } = engine;
  // A clone shares the data and must keep its value: then the step works on a copy.
  const shared = backend.refCount(tensor.dataId) > 1;
  const known = backend.variableOf(tensor);
  if (known !== null && !shared) return known;
  const id = backend.idOf(tensor);
  const value = binding.readable(id);
  const { handle, dtype, shape } = value;
  const type = { name: 'dtype', type: AttrKind.type, value: dtype };
  const [resource] = binding.execute(
    'VarHandleOp',
    [
      type,
      { name: 'shape', type: AttrKind.shape, value: shape },
      { name: 'container', type: AttrKind.string, value: '' },
      { name: 'shared_name', type: AttrKind.string, value: ANONYMOUS },
    ],
    [],
    1,
  );
  binding.enqueue('AssignVariableOp', [type], [resource!, handle], 0);
  const slot: VariableSlot = {
    kind: 'variable',
    resource: resource!,
    written: newToken(engine).retain(),
    shape,
    dtype,
  };
  if (shared) {
    binding.release(value);
    return slot;
  }
  // The variable has to be the only owner of the memory, or the first update would copy it.
  binding.runtime.deleteHandle(handle);
  binding.slots.replace(id, slot);
  return slot;
}

/** A token for state that no step has written yet. */
function newToken({ binding }: Engine): SharedHandle {
  const slot = binding.slots.take(binding.createTensor([], DataType.float, Float32Array.of(0)));
  if (slot?.kind !== 'eager')
    throw new EngineError('compile: a call inside a trace must be inlined', { code: 'internal' });
  return new SharedHandle(slot.handle, (handle) => binding.runtime.deleteHandle(handle));
}

/** State is overwritten, so nothing else may hold its memory under another name. */
function refuseSharing(label: string, args: readonly Structure[], stateArg: number): void {
  const seen = new Set<object>();
  for (const tensor of args[stateArg]!.tensors) {
    if (tensor instanceof tf.Variable)
      throw new EngineError(
        `compile '${label}': the state holds the tf.Variable '${tensor.name}'; state is consumed and returned anew, so pass plain tensors`,
        { code: 'usage' },
      );
    if (seen.has(tensor.dataId))
      throw new EngineError(`compile '${label}': the state holds one tensor [${tensor.shape.join(',')}] twice`, {
        code: 'usage',
      });
    seen.add(tensor.dataId);
  }
  args.forEach(({ tensors }, i) => {
    if (i === stateArg) return;
    const shared = tensors.find(({ dataId }) => seen.has(dataId));
    if (shared === undefined) return;
    throw new EngineError(
      `compile '${label}': args[${i}] shares a tensor [${shared.shape.join(',')}] with the state, which is updated in place; pass tf.clone and add 0, or leave it out`,
      { code: 'usage' },
    );
  });
}
