import koffi from 'koffi';
import { DataType } from './capi/data-type.js';
import type { Native, Pointer } from './capi/native.js';
import { EngineError } from './errors.js';
import { allocatedBytes } from './tensor-pool.js';

/** RLIMIT_DATA of Linux: private writable memory. */
const RLIMIT_DATA = 2;
const MIB = 2 ** 20;

let limitBytes: number | null = null;

/** Most bytes that tensors on the CPU may take together; null: no limit was asked for. */
export const tensorLimit = (): number | null => limitBytes;

/**
 * Bound what tensors may take, by the limit of oneDNN's allocator, from which TensorFlow takes them on x86. The library
 * reads it when it is loaded. An allocation too many fails there where it can be reported.
 * @returns takes it back, should the library not be loaded after all
 */
export function limitTensors(limitMiB: number): () => void {
  const before = process.env.TF_MKL_ALLOC_MAX_BYTES;
  process.env.TF_MKL_ALLOC_MAX_BYTES = String(limitMiB * MIB);
  limitBytes = limitMiB * MIB;
  return () => {
    limitBytes = null;
    if (before === undefined) delete process.env.TF_MKL_ALLOC_MAX_BYTES;
    else process.env.TF_MKL_ALLOC_MAX_BYTES = before;
  };
}

/**
 * Bound the memory that this process may take beyond what it holds now, for libraries without such an allocator. It also
 * hits what no kernel checks, such as Eigen's temporaries and JavaScript's own memory, and that ends the process.
 * @param limitMiB in MiB, on top of what is in use
 */
export function limitMemory(limitMiB: number): void {
  if (process.platform !== 'linux')
    throw new EngineError('useEngine: memoryLimitMiB on the CPU needs Linux; leave it out here', { code: 'usage' });
  const inUse = (allocatedBytes() ?? 0) / MIB;
  const libc = koffi.load('libc.so.6');
  const setrlimit = libc.func('int setrlimit(int resource, const uint64 *limits)');
  const getrlimit = libc.func('int getrlimit(int resource, _Out_ uint64 *limits)');
  const [, hard] = limits(getrlimit);
  const soft = BigInt(Math.ceil((inUse + limitMiB) * MIB));
  if (setrlimit(RLIMIT_DATA, [soft < hard ? soft : hard, hard]) !== 0)
    throw new EngineError(`useEngine: the system refused a memory limit of ${limitMiB} MiB`, { code: 'usage' });
}

/**
 * Whether tensors of these sizes could be made now, all at the same time: they are made, which touches no memory, and freed. If
 * not, TensorFlow waits up to ten seconds for memory before it says so.
 */
export function canTake(native: Native, sizes: readonly number[]): boolean {
  const tensors: Pointer[] = [];
  try {
    return sizes.every((bytes) => {
      const tensor = native.TF_AllocateTensor!(DataType.uint8, [bytes], 1, bytes) as Pointer | null;
      if (tensor !== null) tensors.push(tensor);
      return tensor !== null && (bytes === 0 || (native.TF_TensorData!(tensor) as Pointer | null) !== null);
    });
  } finally {
    for (const tensor of tensors) native.TF_DeleteTensor!(tensor);
  }
}

function limits(getrlimit: (resource: number, out: BigUint64Array) => number): readonly [bigint, bigint] {
  const pair = new BigUint64Array(2);
  if (getrlimit(RLIMIT_DATA, pair) !== 0)
    throw new EngineError('useEngine: the memory limits of this process cannot be read', { code: 'internal' });
  return [pair[0]!, pair[1]!];
}
