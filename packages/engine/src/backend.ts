import type { BackendValues, DataId, Tensor, TensorInfo, DataType as TfjsType } from '@tensorflow/tfjs-core';
import * as tf from '@tensorflow/tfjs-core';
import type { TensorBinding } from './binding.js';
import { AttrKind } from './capi/attributes.js';
import { DataType, dataTypeOf } from './capi/data-type.js';
import type { Pointer } from './capi/native.js';
import { EngineError } from './errors.js';
import type { SymbolSlot, VariableSlot } from './slots.js';
import { int64ScalarOf, KERNEL_PACKAGE, loadKernels, type TensorData, type TensorMetadata } from './tfjs-node.js';
import type { Trace } from './trace.js';

/** Name under which tfjs-node's kernels are registered, and ours beside them. */
export const BACKEND_NAME = 'tensorflow';

/**
 * Arrays of this many bytes are uploaded when the tensor is made, smaller ones when it is first used: weights are then not
 * held twice, and small constants that only JavaScript reads cost nothing.
 */
const UPLOAD_FROM = 2 ** 16;

/** tfjs operations that draw in JavaScript: traced, they would give the same numbers at every call. */
const JAVASCRIPT_RANDOM = new Set(
  [
    'randomNormal',
    'randomUniform',
    'randomUniformInt',
    'randomStandardNormal',
    'truncatedNormal',
    'randomGamma',
    'rand',
    'dropout',
  ].map((name) => `${name}__op`),
);

const TFJS_TYPES: ReadonlyMap<number, TfjsType> = new Map([
  [DataType.float, 'float32'],
  [DataType.double, 'float32'],
  [DataType.int32, 'int32'],
  [DataType.int64, 'int32'],
  [DataType.uint8, 'int32'],
  [DataType.bool, 'bool'],
  [DataType.complex64, 'complex64'],
  [DataType.string, 'string'],
  [DataType.resource, 'string'],
]);

/** Book-keeping of a data id, with what tracing adds. */
interface TracedData extends TensorData {
  /** The trace during which the values came from JavaScript. */
  born?: Trace;
}

/** A tensor from outside that a traced function uses: looked up again at each call. */
export interface Capture {
  /** A variable is followed through its assignments; anything else is one fixed tensor. */
  readonly source: tf.Variable | { readonly dataId: DataId; readonly shape: number[] };
  /** The tensors from outside that were seen with this data: clones share it, and each can be asked for its gradient. */
  readonly tensors: Tensor[];
  /** The narrower type in which its elements are passed, if they are stored so. */
  readonly storedAs: number | undefined;
}

/** What tracing needs of the backend, beside what tfjs needs. */
export interface EngineBackend extends InstanceType<ReturnType<typeof loadKernels>> {
  /** Graph values of the captures of the trace under way, in order of first use. */
  beginTrace(trace: Trace): void;
  /** Constants that outlive the trace become ordinary tensors again. @returns what was captured */
  endTrace(): Capture[];
  /** Number in the binding of a tensor, uploaded first if need be. */
  idOf(tensor: TensorInfo): number;
  /** Values for the captured placeholders of one call. @throws EngineError if one was disposed */
  captureId(capture: Capture, label: string): number;
  /** A tfjs tensor of a number of the binding. */
  tensorOf(metadata: TensorMetadata): Tensor;
  /** Dispose of a tensor whose variable, `resource`, lives on in a step's new state. */
  consume(tensor: Tensor, resource: Pointer, label: string): void;
  /** The narrower type in which a tensor's elements are stored, if any. */
  storedAs(tensor: TensorInfo): number | undefined;
  /** The value that a tensor has in the trace under way, of which it becomes a constant or an argument if it is from outside. */
  symbolOf(tensor: TensorInfo): SymbolSlot;
  /** The node that computes a tensor in the trace under way; null if it is no value of it yet. */
  nodeOf(tensor: TensorInfo): Pointer | null;
  /** The slot behind a tensor if it is a state variable's value. */
  variableOf(tensor: TensorInfo): VariableSlot | null;
}

/** Make the backend class. It extends upstream's, which exists only once its package is loaded. */
export function createBackend(binding: TensorBinding): EngineBackend {
  const Base = loadKernels();

  class Backend extends Base implements EngineBackend {
    private readonly consumed = new WeakMap<DataId, string>();
    private captures = new Map<DataId | tf.Variable, { capture: Capture; id: number }>();
    /** Tensors of the trace under way have this number or a higher one. */
    private firstOwnTensor = 0;
    private constants: { data: TracedData; values: BackendValues }[] = [];

    override getInputTensorIds(tensors: readonly TensorInfo[]): number[] {
      return tensors.map((tensor) => {
        const int64 = int64ScalarOf(tensor);
        if (int64 !== null) return this.temporary(binding.createTensor([], DataType.int64, int64));
        return binding.trace === null ? this.idOf(tensor) : this.symbolId(tensor, binding.trace);
      });
    }

    symbolOf(tensor: TensorInfo): SymbolSlot {
      return binding.symbol(this.getInputTensorIds([tensor])[0]!);
    }

    override executeSingleOutput(...args: Parameters<InstanceType<typeof Base>['executeSingleOutput']>): Tensor {
      try {
        return super.executeSingleOutput(...args);
      } finally {
        this.freeTemporaries();
      }
    }

    override executeMultipleOutputs(
      ...args: Parameters<InstanceType<typeof Base>['executeMultipleOutputs']>
    ): Tensor[] {
      try {
        return super.executeMultipleOutputs(...args);
      } finally {
        this.freeTemporaries();
      }
    }

    override createOutputTensor(metadata: TensorMetadata): Tensor {
      return this.tensorOf(metadata);
    }

    tensorOf({ id, shape, dtype }: TensorMetadata): Tensor {
      const type = TFJS_TYPES.get(dtype);
      if (type === undefined) {
        binding.deleteTensor(id);
        throw new EngineError(`a result has TensorFlow type ${dtype}, which tfjs lacks; cast it in the graph`, {
          code: 'unimplemented',
        });
      }
      const dataId = {};
      this.tensorMap.set(dataId, { shape, dtype, id, values: null, refCount: 1 });
      return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: type });
    }

    override write(values: BackendValues, shape: number[], dtype: TfjsType): DataId {
      this.refuseRandom();
      const dataId = super.write(values, shape, dtype);
      const data = this.tensorMap.get(dataId) as TracedData;
      if (binding.trace !== null) data.born = binding.trace;
      else if (ArrayBuffer.isView(values) && values.byteLength >= UPLOAD_FROM) {
        data.id = binding.createTensor(shape, data.dtype, values);
        data.values = null;
      }
      return dataId;
    }

    override incRef(dataId: DataId): void {
      this.dataOf(dataId, null).refCount++;
    }

    override async read(dataId: DataId): Promise<BackendValues> {
      const { values, id } = this.dataOf(dataId, null);
      return values ?? binding.tensorData(id);
    }

    override readSync(dataId: DataId): BackendValues {
      const { values, id } = this.dataOf(dataId, null);
      return values ?? binding.tensorDataSync(id);
    }

    idOf({ dataId, shape }: TensorInfo): number {
      const data = this.dataOf(dataId, shape);
      if (data.values !== null) {
        data.id = binding.createTensor(data.shape, data.dtype, data.values);
        data.values = null;
      }
      return data.id;
    }

    beginTrace(trace: Trace): void {
      this.separateVariables();
      binding.trace = trace;
      // Tensors are numbered in order; a fresh one tells where the count stands.
      const mark = tf.scalar(0);
      this.firstOwnTensor = mark.id;
      mark.dispose();
      this.captures = new Map();
      this.constants = [];
    }

    endTrace(): Capture[] {
      binding.trace = null;
      for (const { data, values } of this.constants) {
        data.values = values;
        data.id = -1;
        delete data.born;
      }
      this.constants = [];
      const entries = [...this.captures.values()];
      for (const { id } of entries) binding.deleteTensor(id);
      this.captures = new Map();
      return entries.map(({ capture }) => capture);
    }

    /**
     * Give each variable a data id of its own. One shares its id with the tensor, or variable, that it began as; a view
     * of either could then not be told apart, and it matters: only the variable is followed through assignments.
     */
    private separateVariables(): void {
      for (const variable of Object.values(tf.engine().state.registeredVariables)) {
        if (!this.tensorMap.has(variable.dataId) || this.refCount(variable.dataId) === 1) continue;
        const type = { name: 'T', type: AttrKind.type, value: dataTypeOf(variable.dtype) };
        const own = this.executeSingleOutput('Identity', [type], [variable]);
        variable.assign(own);
        own.dispose();
      }
    }

    captureId({ source }: Capture, label: string): number {
      // Once for each weight at each call: no more look-ups than needed.
      const { dataId, shape } = source;
      const data = this.tensorMap.has(dataId) ? this.tensorMap.get(dataId) : null;
      if (data === null || (source instanceof tf.Variable && source.isDisposed))
        throw new EngineError(
          `compile '${label}': a tensor [${shape.join(',')}] that the function uses from outside was disposed; keep it as long as the function, or pass it as an argument`,
          { code: 'usage' },
        );
      return data.values === null ? data.id : this.idOf({ dataId, shape, dtype: 'float32' });
    }

    consume(tensor: Tensor, resource: Pointer, label: string): void {
      const { shape } = tensor;
      Object.defineProperty(tensor, 'throwIfDisposed', {
        value: () => {
          throw consumedError(`tensor [${shape.join(',')}]`, label);
        },
      });
      const slot = this.variableOf(tensor);
      if (slot?.resource === resource) {
        this.consumed.set(tensor.dataId, label);
        binding.slots.take(this.tensorMap.get(tensor.dataId).id);
        slot.written.release();
      }
      tensor.dispose();
    }

    variableOf({ dataId, shape }: TensorInfo): VariableSlot | null {
      const data = this.dataOf(dataId, shape);
      if (data.values !== null) return null;
      const slot = binding.slots.get(data.id);
      return slot.kind === 'variable' ? slot : null;
    }

    storedAs({ dataId, shape }: TensorInfo): number | undefined {
      if (binding.slots.narrowed === 0) return undefined;
      const data = this.dataOf(dataId, shape);
      if (data.values !== null) return undefined;
      const slot = binding.slots.get(data.id);
      return slot.kind === 'eager' ? slot.storedAs : undefined;
    }

    nodeOf({ dataId, shape }: TensorInfo): Pointer | null {
      const data = this.dataOf(dataId, shape);
      const slot = data.values === null ? binding.slots.get(data.id) : null;
      return slot?.kind === 'symbol' && slot.trace === binding.trace ? slot.output.oper : null;
    }

    private readonly temporaries: number[] = [];

    private temporary(id: number): number {
      this.temporaries.push(id);
      return id;
    }

    private freeTemporaries(): void {
      for (const id of this.temporaries.splice(0)) binding.deleteTensor(id);
    }

    /** The graph value of a tensor: its own, a constant made while tracing, or a capture from outside. */
    private symbolId(tensor: TensorInfo, trace: Trace): number {
      const { dataId, shape } = tensor;
      const data = this.dataOf(dataId, shape) as TracedData;
      if (data.values !== null && data.born === trace) {
        this.constants.push({ data, values: data.values });
        data.id = binding.createTensor(data.shape, data.dtype, data.values);
        data.values = null;
      }
      if (data.values === null && binding.slots.get(data.id).kind === 'symbol') return data.id;
      const variable = variableWith(tensor);
      const key = variable ?? dataId;
      const known = this.captures.get(key);
      const outside = tensor instanceof tf.Tensor && tensor.id < this.firstOwnTensor ? [tensor] : [];
      if (known !== undefined) {
        const { tensors } = known.capture;
        for (const one of outside) if (!tensors.includes(one)) tensors.push(one);
        return known.id;
      }
      // A variable may be assigned anything later; it is passed in its own type.
      const storedAs = variable === null ? this.storedAs(tensor) : undefined;
      const { id } = binding.addSymbol(trace, trace.parameter(data.dtype, data.shape, storedAs));
      const source = variable ?? { dataId, shape: data.shape };
      this.captures.set(key, { capture: { source, tensors: outside, storedAs }, id });
      return id;
    }

    private dataOf(dataId: DataId, shape: readonly number[] | null): TensorData {
      const data = this.tensorMap.has(dataId) ? this.tensorMap.get(dataId) : undefined;
      if (data !== undefined) return data;
      const which = shape === null ? 'a tensor' : `tensor [${shape.join(',')}]`;
      const elsewhere = tf.engine().state.tensorInfo.get(dataId);
      if (elsewhere !== undefined && elsewhere.backend !== this)
        throw new EngineError(
          `${which} lives on another tfjs backend; create it after 'await useEngine()', or copy it: tf.tensor(await x.data(), x.shape, x.dtype)`,
          { code: 'usage' },
        );
      const taker = this.consumed.get(dataId);
      if (taker !== undefined) throw consumedError(which, taker);
      throw new EngineError(`${which} was disposed`, { code: 'usage' });
    }

    private refuseRandom(): void {
      if (binding.trace === null) return;
      const scope = tf.engine().state.scopeStack.find(({ name }) => JAVASCRIPT_RANDOM.has(name));
      if (scope === undefined) return;
      throw binding.trace.refuse(
        `tf.${scope.name.slice(0, -'__op'.length)}`,
        'draws its numbers in JavaScript, so the compiled function would return the same ones at every call',
        'Draw outside and pass the tensor in, or use the stateless random operations with a seed argument.',
      );
    }
  }

  return new Backend(binding, KERNEL_PACKAGE);
}

function consumedError(which: string, step: string): EngineError {
  return new EngineError(
    `${which} was consumed by the compiled step '${step}', which updates its state in place; use the state that it returned`,
    { code: 'usage' },
  );
}

/** The registered variable whose present value `tensor` is. */
function variableWith(tensor: TensorInfo): tf.Variable | null {
  if (tensor instanceof tf.Variable) return tensor;
  for (const variable of Object.values(tf.engine().state.registeredVariables))
    if (variable.dataId === tensor.dataId) return variable;
  return null;
}
