import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import { DataType } from './capi/data-type.js';
import type { Native, Pointer } from './capi/native.js';

/** First region of the pool. TensorFlow's book-keeping takes 1/32 of a region, at once: 128 MiB. */
const FIRST_REGION = 2 ** 32;
/** No more than this part of the machine's memory, or of the container's. */
const SHARE = 1 / 2;
/** First region where memory has to be there before it is used. */
const SMALL_REGION = 2 ** 26;

/** Addresses in this process. */
export interface Region {
  readonly address: bigint;
  readonly bytes: number;
}

/**
 * Have a first, large region ready in the pool from which TensorFlow takes CPU tensors: oneDNN's allocator on x86, which
 * keeps what it once got from the system, in regions that double in size. Small ones in a row leave ends that are used
 * before memory that is free again, and a training step would then touch up to a third of its weights' size more than it
 * holds. Pages that are not used take no memory.
 *
 * Huge pages were tried here (`madvise`), and are left to the environment: 2 GiB touched for the first time took 2.3 to 5.4
 * seconds of processor time on a virtual machine, 0.9 with small pages.
 * @param limitMiB most that tensors may take
 * @returns the region, which TensorFlow keeps; null if it does not: there is no such pool, and each tensor comes from the
 *   system
 */
export function reserveFirstRegion(native: Native, limitMiB = Number.POSITIVE_INFINITY): Region | null {
  const machine = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const most = isFree('/proc/self/limits', '/proc/sys/vm/overcommit_memory') ? FIRST_REGION : SMALL_REGION;
  const bytes = Math.floor(Math.min(most, machine * SHARE, limitMiB * 2 ** 20));
  const before = allocatedBytes();
  const tensor = native.TF_AllocateTensor!(DataType.uint8, [bytes], 1, bytes) as Pointer | null;
  if (tensor === null) return null;
  const data = native.TF_TensorData!(tensor) as Pointer | null;
  native.TF_DeleteTensor!(tensor);
  const after = allocatedBytes();
  const kept = data !== null && before !== null && after !== null && after - before >= bytes / 2;
  return kept ? { address: BigInt(data), bytes } : null;
}

/** Whether addresses cost nothing: no limit on them, and no system that counts them as memory. */
function isFree(limits: string, overcommit: string): boolean {
  const unlimited = (name: string) => !new RegExp(`^Max ${name} +\\d`, 'm').test(read(limits));
  return unlimited('address space') && unlimited('data size') && read(overcommit).trim() !== '2';
}

/** Private writable memory of this process in bytes, used or not; null where the system does not tell. */
export function allocatedBytes(): number | null {
  const kilobytes = /^VmData:\s+(\d+) kB/m.exec(read('/proc/self/status'))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}

/** A file of the proc file system; '' where there is none. */
function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
