import { readFileSync } from 'node:fs';
import koffi from 'koffi';
import { EngineError } from './errors.js';

/** RLIMIT_DATA of Linux: private writable memory. */
const RLIMIT_DATA = 2;
const MIB = 2 ** 20;
/** What is left for everything but tensors, where those have a bound of their own. */
const HEADROOM_MIB = 512;

/**
 * Bound what tensors may take, by the limit of oneDNN's allocator, from which TensorFlow takes them on x86. The library
 * reads it when it is loaded. With it, an allocation too many fails where it can be reported; with the system's limit
 * alone, it may hit any small allocation of C++, which ends the process.
 * @returns takes it back, should the library not be loaded after all
 */
export function limitTensors(limitMiB: number): () => void {
  const before = process.env.TF_MKL_ALLOC_MAX_BYTES;
  process.env.TF_MKL_ALLOC_MAX_BYTES = String(limitMiB * MIB);
  return () => {
    if (before === undefined) delete process.env.TF_MKL_ALLOC_MAX_BYTES;
    else process.env.TF_MKL_ALLOC_MAX_BYTES = before;
  };
}

/**
 * Bound the memory that this process may take beyond what it holds now. TensorFlow has no such bound of its own on the
 * CPU; with the kernel's, an allocation too many fails instead of bringing in the out-of-memory killer.
 * @param limitMiB in MiB, on top of what is in use
 */
export function limitMemory(limitMiB: number): void {
  if (process.platform !== 'linux')
    throw new EngineError('useEngine: memoryLimitMiB on the CPU needs Linux; leave it out here', { code: 'usage' });
  const inUse = Number(/^VmData:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'utf8'))?.[1] ?? 0) / 1024;
  const headroom = process.env.TF_MKL_ALLOC_MAX_BYTES === undefined ? 0 : HEADROOM_MIB;
  const libc = koffi.load('libc.so.6');
  const setrlimit = libc.func('int setrlimit(int resource, const uint64 *limits)');
  const getrlimit = libc.func('int getrlimit(int resource, _Out_ uint64 *limits)');
  const [, hard] = limits(getrlimit);
  const soft = BigInt(Math.ceil((inUse + limitMiB + headroom) * MIB));
  if (setrlimit(RLIMIT_DATA, [soft < hard ? soft : hard, hard]) !== 0)
    throw new EngineError(`useEngine: the system refused a memory limit of ${limitMiB} MiB`, { code: 'usage' });
}

function limits(getrlimit: (resource: number, out: BigUint64Array) => number): readonly [bigint, bigint] {
  const pair = new BigUint64Array(2);
  if (getrlimit(RLIMIT_DATA, pair) !== 0)
    throw new EngineError('useEngine: the memory limits of this process cannot be read', { code: 'internal' });
  return [pair[0]!, pair[1]!];
}
