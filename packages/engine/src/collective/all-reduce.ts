import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import { DataType, dataTypeOf } from '../capi/data-type.js';
import type { Pointer } from '../capi/native.js';
import { currentEngine, type Engine } from '../engine.js';
import { EngineError } from '../errors.js';
import type { Origin } from '../slots.js';
import type { OpAttr } from '../tfjs-node.js';
import type { Trace } from '../trace.js';
import { packed } from './buckets.js';
import { instanceKey } from './instance-key.js';

/** Options of {@link allReduce}. */
export interface AllReduceOptions {
  /** Tells this sum apart from every other; the same in all processes. */
  readonly name: string;
  /** Divide by the number of processes. */
  readonly mean?: boolean;
  /** Give up after so long; 0, the default, waits for ever. A process that has died is noticed without. */
  readonly timeoutSeconds?: number;
}

/** The one group of processes there is. */
const GROUP = 1;
/** The latest all-reduce of a trace, which the next one comes after: cards want the same order everywhere. */
const latest = new WeakMap<Trace, Pointer>();
/** Names in use in a trace. */
const used = new WeakMap<Trace, Set<number>>();

/**
 * Sum tensors over all processes of the cluster, or take their mean: every process calls it with the same name, shapes and
 * types, and gets the same bits. Inside a compiled function it becomes part of it; outside it is queued like a compiled
 * call, and waiting for the result does not block. Small tensors travel together.
 * @param tensors float32 or int32 (a mean: float32)
 * @returns new tensors in the same order
 * @throws EngineError without a cluster; reading a result throws one where a process was lost
 */
export function allReduce(tensors: readonly tf.Tensor[], options: AllReduceOptions): tf.Tensor[] {
  const engine = currentEngine();
  const { cluster } = engine.info;
  if (cluster === null)
    throw new EngineError(
      `allReduce '${options.name}': this process works alone; start the engine with useEngine({ cluster: { tasks, index } })`,
      { code: 'usage', op: 'allReduce' },
    );
  const wrong = tensors.find(({ dtype }) => dtype !== 'float32' && (options.mean || dtype !== 'int32'));
  if (wrong)
    throw new EngineError(
      `allReduce '${options.name}': a tensor [${wrong.shape.join(',')}] is ${wrong.dtype}; wanted float32${options.mean ? ' for a mean' : ' or int32'}`,
      { code: 'usage', op: 'allReduce' },
    );
  return packed(tensors, (tensor, place) => reduceOne(engine, cluster.tasks.length, tensor, place, options));
}

function reduceOne(
  { binding, backend, info }: Engine,
  size: number,
  tensor: tf.Tensor,
  place: number,
  { name, mean = false, timeoutSeconds = 0 }: AllReduceOptions,
): tf.Tensor {
  const key = instanceKey(name, place, tensor);
  const attrs: OpAttr[] = [
    { name: 'T', type: AttrKind.type, value: dataTypeOf(tensor.dtype) },
    { name: 'merge_op', type: AttrKind.string, value: 'Add' },
    { name: 'final_op', type: AttrKind.string, value: mean ? 'Div' : 'Id' },
    { name: 'communication_hint', type: AttrKind.string, value: info.device.startsWith('gpu') ? 'nccl' : 'ring' },
    { name: 'timeout_seconds', type: AttrKind.float, value: timeoutSeconds },
    { name: 'Nordering_token', type: AttrKind.int, value: 0 },
  ];
  const numbers = [size, GROUP, key];
  const { trace } = binding;
  if (trace !== null) {
    refuseTwice(trace, key, name);
    const before = latest.get(trace);
    const output = trace.following(before === undefined ? [] : [before], () => {
      const ids = backend.getInputTensorIds([tensor, ...numbers.map((number) => tf.scalar(number, 'int32'))]);
      const inputs = ids.map((id) => binding.symbol(id).output);
      return trace.operation('CollectiveReduceV2', attrs, inputs, 1)[0]!;
    });
    latest.set(trace, output.output.oper);
    return backend.tensorOf(binding.addSymbol(trace, output));
  }
  const origin: Origin = { op: `allReduce '${name}'`, device: info.device, inputShapes: [tensor.shape] };
  const scalars = numbers.map((number) => binding.createTensor([], DataType.int32, Int32Array.of(number)));
  const readables = [backend.idOf(tensor), ...scalars].map((id) => binding.readable(id));
  try {
    const handles = readables.map(({ handle }) => handle);
    const [handle] = binding.enqueue('CollectiveReduceV2', attrs, handles, 1);
    const { shape } = tensor;
    const dtype = dataTypeOf(tensor.dtype);
    const id = binding.slots.add({ kind: 'eager', handle: handle!, shape: [...shape], dtype, origin });
    return backend.tensorOf({ id, shape: [...shape], dtype });
  } finally {
    for (const readable of readables) binding.release(readable);
    for (const id of scalars) binding.deleteTensor(id);
  }
}

function refuseTwice(trace: Trace, key: number, name: string): void {
  const keys = used.get(trace) ?? new Set();
  used.set(trace, keys);
  if (keys.has(key))
    throw trace.refuse(
      `allReduce '${name}'`,
      'is in the function a second time, with the same shapes',
      'Give each of them a name of its own.',
    );
  keys.add(key);
}

/**
 * End every all-reduce of this process that is under way or comes later: reading a result throws. For whoever watches over
 * the processes and knows that one is gone.
 * @param why becomes the error's text
 */
export function abortAllReduce(why: string): void {
  const { runtime } = currentEngine().binding;
  const { native, status, context } = runtime;
  native.TF_SetStatus!(status.pointer, ABORTED, why);
  native.TFE_AbortCollectiveOps!(context, status.pointer);
  native.TF_SetStatus!(status.pointer, 0, '');
}

/** TF_ABORTED. */
const ABORTED = 10;
