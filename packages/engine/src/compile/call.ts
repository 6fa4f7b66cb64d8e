import type * as tf from '@tensorflow/tfjs-core';
import { setAttribute } from '../capi/attributes.js';
import type { Pointer } from '../capi/native.js';
import type { Engine } from '../engine.js';
import type { EngineError } from '../errors.js';
import type { Origin } from '../slots.js';
import type { Program } from './program.js';
import { openState, refuseSharing } from './state-variables.js';
import type { Structure } from './structure.js';

/**
 * Call a program: it is queued, and runs off the main thread. The results are tensors at once; reading them waits.
 * State tensors are consumed.
 */
export function callProgram(engine: Engine, program: Program, args: readonly Structure[]): unknown {
  const { binding, backend, info } = engine;
  const { label, stateArg } = program.options;
  const tensors = args.map((arg) => arg.tensors);
  program.memory?.refuseTooLarge(engine, program.packed);
  if (stateArg >= 0) refuseSharing(label, tensors, stateArg);
  const readables: ReturnType<typeof binding.readable>[] = [];
  const count = tensors.reduce((sum, own) => sum + own.length, 0) + program.captures.length;
  const handles = new BigUint64Array(count + (stateArg < 0 ? 0 : 1));
  let at = 0;
  /** @param storedAs type of the parameter's elements, where the program takes them narrower */
  const push = (id: number, storedAs: number | undefined): void => {
    const slot = binding.slots.get(id);
    if (slot.kind === 'eager' && slot.storedAs === storedAs) {
      handles[at++] = slot.handle;
      return;
    }
    const readable = binding.readable(id);
    readables.push(readable);
    handles[at++] = readable.handle;
  };
  const origin: Origin = {
    op: label,
    device: info.device,
    inputShapes: tensors.flat().map(({ shape }: tf.Tensor) => shape),
  };
  const state = stateArg < 0 ? null : openState(engine, label, tensors[stateArg]!);
  let outputs: Pointer[];
  try {
    tensors.forEach((own, i) => {
      if (i === stateArg) for (const resource of state!.resources) handles[at++] = resource;
      else for (const tensor of own) push(backend.idOf(tensor), backend.storedAs(tensor));
    });
    // The step before this one has to be done, and done well: its token is an input.
    if (state !== null) handles[at++] = state.written.handle;
    const captured = program.captured.get(engine, label);
    if (captured !== null) handles.set(captured, at);
    else for (const capture of program.captures) push(backend.captureId(capture, label), capture.storedAs);
    outputs = enqueue(engine, program, handles, origin);
  } catch (error) {
    state?.giveUp();
    throw error;
  } finally {
    for (const readable of readables) binding.release(readable);
  }

  if (!program.packed.held) {
    program.packed.held = true;
    binding.slots.packedBytes += program.packed.bytes;
  }
  const results = program.results.map(({ shape, dtype }, i) => {
    const id = binding.slots.add({ kind: 'eager', handle: outputs[i]!, shape, dtype, origin });
    return backend.tensorOf({ id, shape, dtype });
  });
  const updated = state?.handOver(outputs.at(-1)!, origin) ?? [];
  return program.structure.rebuild(
    program.sources.map((source) => (source < 0 ? updated[-1 - source]! : results[source]!)),
  );
}

function enqueue({ binding }: Engine, program: Program, handles: BigUint64Array, origin: Origin): Pointer[] {
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
    const error = status.error(origin);
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
