import { bytesOfType } from './capi/data-type.js';
import type { GraphOutput, Pointer } from './capi/native.js';
import { EngineError } from './errors.js';
import type { Trace } from './trace.js';

/** What computed a value that may not be there yet, for the error if it fails. */
export interface Origin {
  /** Name of the compiled function. */
  readonly op: string;
  readonly device: string;
  readonly inputShapes: readonly (readonly number[])[];
}

/** A tensor in TensorFlow's memory, possibly still being computed by a queued call. */
export interface EagerSlot {
  readonly kind: 'eager';
  readonly handle: Pointer;
  /** The queued call that computes it, if one does. */
  readonly origin?: Origin | null;
  readonly shape: number[];
  readonly dtype: number;
  /** TensorFlow's type of the handle's elements where it is narrower than `dtype`; they are widened for each use. */
  readonly storedAs?: number;
}

/** A value inside a function under construction. */
export interface SymbolSlot {
  readonly kind: 'symbol';
  readonly trace: Trace;
  readonly output: GraphOutput;
  readonly shape: number[];
  readonly dtype: number;
  /** Index of the state variable whose current value this is, if it is one. */
  readonly variable?: number;
}

/** The current value of a resource variable that compiled steps update in place. */
export interface VariableSlot {
  readonly kind: 'variable';
  /** Handle of the scalar resource tensor. */
  readonly resource: Pointer;
  /** Result of the step that wrote the value: poisoned if that step failed. Shared between a step's variables. */
  readonly written: SharedHandle;
  readonly shape: number[];
  readonly dtype: number;
}

export type Slot = EagerSlot | SymbolSlot | VariableSlot;

/** A tensor handle with several owners. */
export class SharedHandle {
  private owners = 0;

  constructor(
    readonly handle: Pointer,
    private readonly free: (handle: Pointer) => void,
    /** The call that computes it, if one does. */
    readonly origin: Origin | null = null,
  ) {}

  retain(): this {
    this.owners++;
    return this;
  }

  release(): void {
    if (--this.owners === 0) this.free(this.handle);
  }
}

/** Every tensor that tfjs holds on this backend, by the number tfjs-node calls its id. */
export class SlotTable {
  private readonly slots = new Map<number, Slot>();
  private next = 1;
  private readonly watched = new Set<number>();
  /** Counts how often a watched tensor was freed or replaced. */
  version = 0;
  /** How many tensors have been stored in a narrower type; 0: there is none to look for. */
  narrowed = 0;
  /** Bytes that tensors take less than their type tells, as they are stored in a narrower one. */
  savedBytes = 0;
  /** Bytes of the second copies of weights that compiled functions keep; see `packed-weights.ts`. */
  packedBytes = 0;

  get size(): number {
    return this.slots.size;
  }

  add(slot: Slot): number {
    const id = this.next++;
    if (slot.kind === 'eager' && slot.storedAs !== undefined) this.narrowed++;
    this.savedBytes += savedBytesOf(slot);
    this.slots.set(id, slot);
    return id;
  }

  /** @throws EngineError if the id was freed */
  get(id: number): Slot {
    const slot = this.slots.get(id);
    if (slot === undefined)
      throw new EngineError(
        `tensor ${id} is gone: it was disposed, or it belongs to a function whose tracing has ended; keep it alive with tf.keep, or return it from the function`,
        { code: 'usage' },
      );
    return slot;
  }

  /** Have `version` count the end of what now stands under this id. */
  watch(id: number): void {
    this.watched.add(id);
  }

  /** Put another slot under an id that stays the same for tfjs. */
  replace(id: number, slot: Slot): void {
    if (this.watched.delete(id)) this.version++;
    this.savedBytes += savedBytesOf(slot) - savedBytesOf(this.slots.get(id));
    this.slots.set(id, slot);
  }

  take(id: number): Slot | undefined {
    const slot = this.slots.get(id);
    this.slots.delete(id);
    this.savedBytes -= savedBytesOf(slot);
    if (this.watched.delete(id)) this.version++;
    return slot;
  }
}

function savedBytesOf(slot: Slot | undefined): number {
  if (slot?.kind !== 'eager' || slot.storedAs === undefined) return 0;
  const elements = slot.shape.reduce((product, dim) => product * dim, 1);
  return elements * (bytesOfType(slot.dtype) - bytesOfType(slot.storedAs));
}
