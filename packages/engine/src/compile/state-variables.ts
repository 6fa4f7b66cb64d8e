import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import { DataType } from '../capi/data-type.js';
import type { Pointer } from '../capi/native.js';
import type { Engine } from '../engine.js';
import { EngineError } from '../errors.js';
import { type Origin, SharedHandle, type VariableSlot } from '../slots.js';

/** TensorFlow's name for a variable that lives exactly as long as its handle. */
const ANONYMOUS = 'cd2c89b7-88b7-44c8-ad83-06c2a9158347';

/** The variables that a step updates, for one call. */
export interface StateVariables {
  readonly resources: readonly Pointer[];
  /** Exists once every step that wrote this state is done, and is poisoned if one of them failed. */
  readonly written: SharedHandle;
  /** After the call: consume the old tensors and give their variables to new ones. */
  handOver(written: Pointer, origin: Origin): tf.Tensor[];
  /** If there was no call: let the old tensors be what they were. */
  giveUp(): void;
}

/**
 * Make variables of a step's state. A plain tensor becomes one without its value being copied, and stays what it was for
 * its owner should the call fail; data that a clone shares is copied, since the clone must keep its value.
 */
export function openState(engine: Engine, label: string, tensors: readonly tf.Tensor[]): StateVariables {
  const { binding, backend } = engine;
  const { runtime } = binding;
  const slots: VariableSlot[] = [];
  const copies: VariableSlot[] = [];
  let fresh: SharedHandle | undefined;
  const releaseCopies = (): void => {
    for (const { written } of copies) written.release();
  };
  const giveUp = (): void => {
    for (const { resource } of copies) runtime.deleteHandle(resource);
    releaseCopies();
  };
  try {
    for (const tensor of tensors) {
      const known = backend.variableOf(tensor);
      const shared = backend.refCount(tensor.dataId) > 1;
      if (known !== null && !shared) {
        slots.push(known);
        continue;
      }
      if (known === null) fresh ??= newToken(engine);
      const slot = makeVariable(engine, tensor, (known?.written ?? fresh)!, shared);
      if (shared) copies.push(slot);
      slots.push(slot);
    }
    const written = joinTokens(engine, new Set(slots.map((slot) => slot.written)));
    return {
      resources: slots.map(({ resource }) => resource),
      written,
      giveUp: () => {
        written.release();
        giveUp();
      },
      handOver: (handle, origin) => {
        const token = tokenOf(engine, handle, origin).retain();
        const updated = slots.map(({ resource, shape, dtype }, i) => {
          backend.consume(tensors[i]!, resource, label);
          const id = binding.slots.add({ kind: 'variable', resource, written: token.retain(), shape, dtype });
          return backend.tensorOf({ id, shape, dtype });
        });
        token.release();
        written.release();
        releaseCopies();
        return updated;
      },
    };
  } catch (error) {
    giveUp();
    throw error;
  }
}

function makeVariable(engine: Engine, tensor: tf.Tensor, written: SharedHandle, copy: boolean): VariableSlot {
  const { binding, backend } = engine;
  const id = backend.idOf(tensor);
  const value = binding.readable(id);
  const { handle, dtype, shape } = value;
  const type = { name: 'dtype', type: AttrKind.type, value: dtype };
  const named = [
    { name: 'shape', type: AttrKind.shape, value: shape },
    { name: 'container', type: AttrKind.string, value: '' },
    { name: 'shared_name', type: AttrKind.string, value: ANONYMOUS },
  ];
  const resource = binding.execute('VarHandleOp', [type, ...named], [], 1)[0]!;
  try {
    // What a step has written waits its turn; anything else is taken at once, out of reach of calls that may yet fail.
    if (value.guard === undefined) binding.execute('AssignVariableOp', [type], [resource, handle], 0);
    else binding.enqueue('AssignVariableOp', [type], [resource, handle], 0);
  } catch (error) {
    binding.runtime.deleteHandle(resource);
    throw error;
  } finally {
    binding.release(value);
  }
  const slot: VariableSlot = { kind: 'variable', resource, written: written.retain(), shape, dtype };
  if (!copy) {
    // The variable has to be the only owner of the memory, or the first update would copy it.
    const plain = binding.slots.get(id);
    if (plain.kind === 'eager') binding.runtime.deleteHandle(plain.handle);
    binding.slots.replace(id, slot);
  }
  return slot;
}

/** One token for state that several steps have written. */
function joinTokens(engine: Engine, tokens: ReadonlySet<SharedHandle>): SharedHandle {
  const [first, ...others] = tokens;
  if (first !== undefined && others.length === 0) return first.retain();
  if (first === undefined) return newToken(engine).retain();
  const { binding } = engine;
  const handles = [...tokens].map(({ handle }) => handle);
  const attrs = [
    { name: 'N', type: AttrKind.int, value: handles.length },
    { name: 'T', type: AttrKind.type, value: DataType.float },
  ];
  const [joined] = binding.enqueue('AddN', attrs, handles, 1);
  return tokenOf(engine, joined!).retain();
}

/** A token for state that no step has written yet. */
function newToken(engine: Engine): SharedHandle {
  const { binding } = engine;
  const slot = binding.slots.take(binding.createTensor([], DataType.float, Float32Array.of(0)));
  if (slot?.kind !== 'eager')
    throw new EngineError('compile: a call inside a trace must be inlined', { code: 'internal' });
  return tokenOf(engine, slot.handle);
}

/** Made here, so that what it knows of its step is `origin` alone: with the step's tensors it would keep those of all steps before. */
function tokenOf({ binding: { runtime } }: Engine, handle: Pointer, origin: Origin | null = null): SharedHandle {
  return new SharedHandle(handle, (pointer) => runtime.deleteHandle(pointer), origin);
}

/** State is overwritten, so nothing else may hold its memory under another name. */
export function refuseSharing(label: string, args: readonly (readonly tf.Tensor[])[], stateArg: number): void {
  const seen = new Set<object>();
  for (const tensor of args[stateArg]!) {
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
  args.forEach((tensors, i) => {
    if (i === stateArg) return;
    const shared = tensors.find(({ dataId }) => seen.has(dataId));
    if (shared === undefined) return;
    throw new EngineError(
      `compile '${label}': args[${i}] shares a tensor [${shared.shape.join(',')}] with the state, which is updated in place; pass tf.clone and add 0, or leave it out`,
      { code: 'usage' },
    );
  });
}
