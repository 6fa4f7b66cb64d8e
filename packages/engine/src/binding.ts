import type { BackendValues } from '@tensorflow/tfjs-core';
import { AttrKind, setAttribute } from './capi/attributes.js';
import { DataType } from './capi/data-type.js';
import type { Pointer } from './capi/native.js';
import { Status } from './capi/status.js';
import { newTensor, readTensor } from './capi/tensor-memory.js';
import { castAttrs } from './cast-attrs.js';
import { refuseLargeConvolution } from './convolution-memory.js';
import { EngineError } from './errors.js';
import type { Runtime } from './runtime.js';
import { type EagerSlot, type Origin, type SharedHandle, type Slot, SlotTable, type SymbolSlot } from './slots.js';
import type { Binding, OpAttr, TensorMetadata } from './tfjs-node.js';
import type { NodeOutput, Trace } from './trace.js';

/** A tensor that can be read or handed to an operation. */
interface Readable extends EagerSlot {
  /**
   * Set for the value of a state variable: the handle shares the variable's memory and has to be deleted before the next
   * step; and the result of the step that wrote it has to be looked at, since a failed step leaves half-written state.
   */
  readonly guard?: SharedHandle;
  /** Whether the handle was made for this use. */
  readonly temporary?: boolean;
}

/** Constants of one value at least this long are built in the graph by Fill instead of being stored in it. */
const FILL_FROM = 256;

/**
 * The layer below tfjs-node's kernels, over the C API. While a function is traced, operations join its graph; otherwise
 * they run at once.
 */
export class TensorBinding implements Binding {
  // Constants that tfjs-node's kernels look up on the binding.
  readonly TF_FLOAT = DataType.float;
  readonly TF_INT32 = DataType.int32;
  readonly TF_INT64 = DataType.int64;
  readonly TF_BOOL = DataType.bool;
  readonly TF_COMPLEX64 = DataType.complex64;
  readonly TF_STRING = DataType.string;
  readonly TF_RESOURCE = DataType.resource;
  readonly TF_UINT8 = DataType.uint8;
  readonly TF_ATTR_STRING = AttrKind.string;
  readonly TF_ATTR_INT = AttrKind.int;
  readonly TF_ATTR_FLOAT = AttrKind.float;
  readonly TF_ATTR_BOOL = AttrKind.bool;
  readonly TF_ATTR_TYPE = AttrKind.type;
  readonly TF_ATTR_SHAPE = AttrKind.shape;
  readonly TF_ATTR_RESOURCE = 6;
  readonly TF_Version: string;

  readonly slots = new SlotTable();
  /** The function being traced, if any. */
  trace: Trace | null = null;

  constructor(readonly runtime: Runtime) {
    this.TF_Version = runtime.version;
  }

  isUsingGpuDevice(): boolean {
    return this.runtime.onGpu;
  }

  getNumOfTensors(): number {
    return this.slots.size;
  }

  createTensor(shape: number[], dtype: number, values: BackendValues): number {
    const { native, status } = this.runtime;
    if (this.trace !== null) return this.constant(this.trace, shape, dtype, values);
    const tensor = newTensor(native, shape, dtype, values);
    let handle = native.TFE_NewTensorHandle!(tensor, status.pointer) as Pointer;
    native.TF_DeleteTensor!(tensor);
    status.check({ op: 'upload', inputShapes: [shape] });
    this.runtime.handles++;
    if (this.runtime.onGpu && dtype === DataType.float) handle = this.moveToDevice(handle, shape);
    return this.slots.add({ kind: 'eager', handle, shape, dtype });
  }

  deleteTensor(id: number): void {
    const slot = this.slots.take(id);
    if (slot === undefined) return;
    if (slot.kind === 'eager') this.runtime.deleteHandle(slot.handle);
    else if (slot.kind === 'variable') {
      this.runtime.deleteHandle(slot.resource);
      slot.written.release();
    }
  }

  tensorDataSync(id: number): BackendValues {
    const { native, status } = this.runtime;
    return this.withReadables([id], ([slot]) => {
      const tensor = native.TFE_TensorHandleResolve!(slot!.handle, status.pointer) as Pointer;
      this.checkRead(status, slot!);
      return this.unpack(tensor, slot!.dtype);
    });
  }

  /** Values of a tensor, waited for and copied on a worker thread. */
  async tensorData(id: number): Promise<BackendValues> {
    // What is asked for is the value of now, so the read takes its place among the queued calls at once.
    const slot = this.readable(id);
    const { runtime } = this;
    const read = async (): Promise<BackendValues> => {
      if (slot.guard !== undefined) runtime.native.TF_DeleteTensor!(await this.resolve(slot.guard, slot.shape));
      return this.unpack(await this.resolve(slot, slot.shape), slot.dtype);
    };
    const held = () => runtime.whileReading(slot.handle, read);
    try {
      return await (slot.guard === undefined ? held() : runtime.whileReading(slot.guard.handle, held));
    } finally {
      this.release(slot);
    }
  }

  executeOp(name: string, attrs: readonly OpAttr[], inputIds: readonly number[], outputs: number): TensorMetadata[] {
    const { trace } = this;
    if (trace !== null) {
      const inputs = inputIds.map((id) => this.symbol(id).output);
      return trace.operation(name, attrs, inputs, outputs).map((node) => this.addSymbol(trace, node));
    }
    refuseLargeConvolution(this, name, attrs, inputIds);
    return this.withReadables(inputIds, (slots) => {
      const handles = slots.map(({ handle }) => handle);
      return this.execute(name, attrs, handles, outputs, slots).map((handle) => this.addHandle(handle));
    });
  }

  /** Run one operation on handles at once. @returns handles that the caller owns */
  execute(
    name: string,
    attrs: readonly OpAttr[],
    inputs: readonly Pointer[],
    outputs: number,
    described: readonly { readonly shape: readonly number[] }[] = [],
  ): Pointer[] {
    const { native, status, context, explicitDevice } = this.runtime;
    const op = native.TFE_NewOp!(context, name, status.pointer) as Pointer | null;
    if (op === null) status.check({ op: name });
    try {
      if (explicitDevice !== null) native.TFE_OpSetDevice!(op, explicitDevice, status.pointer);
      for (const attr of attrs) setAttribute(native, op!, false, attr, status.pointer);
      for (const handle of inputs) native.TFE_OpAddInput!(op, handle, status.pointer);
      const results: (Pointer | null)[] = new Array(outputs).fill(null);
      native.TFE_Execute!(op, results, [outputs], status.pointer);
      const error = status.error({
        op: name,
        device: this.runtime.choice.device.name,
        inputShapes: described.map(({ shape }) => shape),
      });
      if (error !== null) throw error;
      this.runtime.handles += outputs;
      return results as Pointer[];
    } finally {
      native.TFE_DeleteOp!(op);
    }
  }

  /** The same on the queue: after all calls that wait there, and without waiting for them. */
  enqueue(name: string, attrs: readonly OpAttr[], inputs: readonly Pointer[], outputs: number): Pointer[] {
    const run = () => this.runtime.queued(() => this.execute(name, attrs, inputs, outputs));
    try {
      return run();
    } catch {
      // The queue refuses new work after a failed call, whatever it is; if this operation is at fault, it fails again.
      this.runtime.clearQueueError();
      return run();
    }
  }

  /** The value of `id` in the graph being traced. @throws EngineError if it is no value of that graph */
  symbol(id: number): SymbolSlot {
    const slot = this.slots.get(id);
    if (slot.kind === 'symbol' && slot.trace === this.trace) return slot;
    throw new EngineError(
      `compile '${this.trace?.label}': tensor [${slot.shape.join(',')}] is no value of the function being traced; it was kept from another one. Return tensors from a compiled function instead of storing them.`,
      { code: 'usage' },
    );
  }

  /** Take a graph value into the table. */
  addSymbol(trace: Trace, { output, shape, dtype }: NodeOutput, variable?: number): TensorMetadata {
    const slot: SymbolSlot = {
      kind: 'symbol',
      trace,
      output,
      shape,
      dtype,
      ...(variable === undefined ? {} : { variable }),
    };
    return { id: this.slots.add(slot), shape, dtype };
  }

  /** Take a finished result into the table. */
  addHandle(handle: Pointer): TensorMetadata {
    const { native, status } = this.runtime;
    const rank = native.TFE_TensorHandleNumDims!(handle, status.pointer) as number;
    if (rank < 0) status.check();
    const shape: number[] = [];
    for (let axis = 0; axis < rank; axis++)
      shape.push(Number(native.TFE_TensorHandleDim!(handle, axis, status.pointer)));
    const dtype = native.TFE_TensorHandleDataType!(handle) as number;
    return { id: this.slots.add({ kind: 'eager', handle, shape, dtype }), shape, dtype };
  }

  /** A handle with the value of `id`, to be given back to `release`. Reading state waits its turn on the queue. */
  readable(id: number): Readable {
    const slot: Slot = this.slots.get(id);
    if (slot.kind === 'eager') return slot.storedAs === undefined ? slot : this.widened(slot, slot.storedAs);
    if (slot.kind === 'symbol') {
      const problem = `reads the values of a tensor [${slot.shape.join(',')}], which do not exist while the function is being traced`;
      const advice = 'Return the tensor and read it outside, or write the choice with tensor operations (tf.where).';
      throw slot.trace.refuse('data()', problem, advice);
    }
    const { resource, shape, dtype, written } = slot;
    const attrs = [{ name: 'dtype', type: AttrKind.type, value: dtype }];
    const [handle] = this.enqueue('ReadVariableOp', attrs, [resource], 1);
    return {
      kind: 'eager',
      handle: handle!,
      shape,
      dtype,
      guard: written,
      origin: written.origin,
      temporary: true,
    };
  }

  private widened({ handle, shape, dtype }: EagerSlot, storedAs: number): Readable {
    const [wide] = this.enqueue('Cast', castAttrs(storedAs, dtype), [handle], 1);
    return { kind: 'eager', handle: wide!, shape, dtype, temporary: true };
  }

  /** End the use of what `readable` gave. */
  release({ handle, temporary }: Readable): void {
    if (temporary) this.runtime.deleteHandle(handle);
  }

  /**
   * Use the values of tensors at once. A read of state that was queued behind another call fails with that call's error;
   * where the step that wrote the state went well, it is read again.
   */
  private withReadables<T>(ids: readonly number[], use: (slots: readonly Readable[]) => T): T {
    const attempt = (): T => {
      const slots: Readable[] = [];
      try {
        for (const id of ids) slots.push(this.readable(id));
        for (const slot of slots) this.checkGuard(slot);
        return use(slots);
      } finally {
        for (const slot of slots) this.release(slot);
      }
    };
    try {
      return attempt();
    } catch (error) {
      if (!ids.some((id) => this.slots.get(id).kind === 'variable')) throw error;
      this.runtime.drain();
      return attempt();
    }
  }

  private checkGuard({ guard, shape }: Readable): void {
    if (guard === undefined) return;
    const { native, status } = this.runtime;
    const tensor = native.TFE_TensorHandleResolve!(guard.handle, status.pointer) as Pointer;
    this.checkRead(status, { shape, origin: guard.origin });
    native.TF_DeleteTensor!(tensor);
  }

  private async resolve(
    { handle, origin = null }: { readonly handle: Pointer; readonly origin?: Origin | null },
    shape: readonly number[],
  ): Promise<Pointer> {
    const status = new Status(this.runtime.native);
    try {
      const tensor = await this.runtime.resolveOnWorker(handle, status.pointer);
      this.checkRead(status, { shape, origin });
      return tensor;
    } finally {
      status.dispose();
    }
  }

  private checkRead(
    status: Status,
    { origin, shape }: { readonly origin?: Origin | null; readonly shape: readonly number[] },
  ): void {
    const error = status.error(origin ?? { op: 'data()', inputShapes: [shape] });
    if (error === null) return;
    // The failure came from a queued call: let the queue go on with what does not depend on it. Its result is seen a
    // moment before the queue itself takes note and drops what waits; that moment has to pass first.
    this.runtime.drain();
    throw error;
  }

  private unpack(tensor: Pointer, dtype: number): BackendValues {
    const { native } = this.runtime;
    try {
      return readTensor(native, tensor, dtype);
    } finally {
      native.TF_DeleteTensor!(tensor);
    }
  }

  private moveToDevice(handle: Pointer, shape: readonly number[]): Pointer {
    const { native, status, context, choice } = this.runtime;
    const moved = native.TFE_TensorHandleCopyToDevice!(handle, context, choice.device.name, status.pointer) as Pointer;
    const error = status.error({ op: 'upload', device: choice.device.name, inputShapes: [shape] });
    native.TFE_DeleteTensorHandle!(handle);
    if (error !== null) {
      this.runtime.handles--;
      throw error;
    }
    return moved;
  }

  private constant(trace: Trace, shape: number[], dtype: number, values: BackendValues): number {
    const { native } = this.runtime;
    const size = shape.reduce((product, length) => product * length, 1);
    if (size >= FILL_FROM && dtype === DataType.float && isUniform(values as ArrayLike<number>)) {
      const dims = this.literal(trace, [shape.length], DataType.int32, Int32Array.from(shape));
      const value = this.literal(trace, [], dtype, Float32Array.of((values as Float32Array)[0]!));
      const types: OpAttr[] = [
        { name: 'T', type: AttrKind.type, value: dtype },
        { name: 'index_type', type: AttrKind.type, value: DataType.int32 },
      ];
      return this.addSymbol(trace, trace.operation('Fill', types, [dims.output, value.output], 1)[0]!).id;
    }
    const tensor = newTensor(native, shape, dtype, values);
    try {
      return this.addSymbol(trace, trace.constant(tensor, dtype)).id;
    } finally {
      native.TF_DeleteTensor!(tensor);
    }
  }

  private literal(trace: Trace, shape: number[], dtype: number, values: BackendValues): NodeOutput {
    const { native } = this.runtime;
    const tensor = newTensor(native, shape, dtype, values);
    const node = trace.constant(tensor, dtype);
    native.TF_DeleteTensor!(tensor);
    return node;
  }
}

function isUniform(values: ArrayLike<number>): boolean {
  const first = values[0];
  for (let i = 1; i < values.length; i++) if (values[i] !== first) return false;
  return true;
}
