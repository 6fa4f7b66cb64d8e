import { readFileSync } from 'node:fs';
import { totalmem } from 'node:os';
import koffi from 'koffi';
import { DataType } from './capi/data-type.js';
import type { Native, Pointer } from './capi/native.js';

/** First region of the pool. TensorFlow's book-keeping takes 1/32 of a region, at once: 128 MiB. */
const FIRST_REGION = 2 ** 32;
/** No more than this part of the machine's memory, or of the container's. */
const SHARE = 1 / 2;
/** `madvise`: use huge pages here. */
const MADV_HUGEPAGE = 14;
const HUGE_PAGE = 2 ** 21;
/** Tensors below this size are not looked at one by one. */
const LARGE = 2 ** 20;

type Range = readonly [start: number, end: number];

/**
 * The memory from which TensorFlow takes CPU tensors: oneDNN's allocator on x86, which keeps what it once got from the
 * system, in regions that double in size.
 *
 * Two things are done for it. It gets a first region that is large: small ones in a row leave ends that are used before
 * memory that is free again, and a training step would then touch up to a third of its weights' size more than it holds.
 * And on Linux its regions are of huge pages: 2 MiB come with one page fault instead of 512.
 */
export class TensorPool {
  /** Ranges of addresses that have been looked at; few, the latest first. */
  private readonly known: Range[] = [];
  private readonly madvise: ((address: bigint, length: number, advice: number) => number) | null;

  constructor(private readonly native: Native) {
    this.madvise =
      process.platform === 'linux'
        ? koffi.load('libc.so.6').func('int madvise(uint64 address, size_t length, int advice)')
        : null;
  }

  /**
   * Have a region of `bytes` ready. Pages that are not used yet take no memory.
   * @returns whether TensorFlow keeps it: else there is no pool, and each tensor comes from the system
   */
  reserve(bytes: number): boolean {
    const before = allocatedBytes();
    const tensor = this.native.TF_AllocateTensor!(DataType.uint8, [bytes], 1, bytes) as Pointer | null;
    if (tensor === null) return false;
    const data = this.native.TF_TensorData!(tensor) as Pointer | null;
    if (data !== null) this.advise([Number(data), Number(data) + bytes]);
    this.native.TF_DeleteTensor!(tensor);
    return data !== null && before !== null && allocatedBytes()! - before >= bytes / 2;
  }

  /** Memory that a large tensor got and that nothing has been written to: see that its region has huge pages. */
  useHugePages(data: Pointer, length: number): void {
    if (this.madvise === null || length < LARGE) return;
    const [start, end] = [Number(data), Number(data) + length];
    if (this.known.some((range) => start >= range[0] && end <= range[1])) return;
    this.advise(mappingOf(start) ?? [start, end]);
  }

  private advise([start, end]: Range): void {
    this.known.unshift([start, end]);
    const first = Math.ceil(start / HUGE_PAGE) * HUGE_PAGE;
    // Where the system has no huge pages nothing changes.
    if (end > first) this.madvise?.(BigInt(first), end - first, MADV_HUGEPAGE);
  }
}

/** How large the first region may be. @param limitMiB most that tensors may take */
export function firstRegionBytes(limitMiB = Number.POSITIVE_INFINITY): number {
  const machine = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  return Math.floor(Math.min(FIRST_REGION, machine * SHARE, limitMiB * 2 ** 20));
}

/** The mapping of this process's memory that holds an address. */
function mappingOf(address: number): Range | null {
  for (const line of readFileSync('/proc/self/maps', 'latin1').split('\n')) {
    const [, from, to] = /^([0-9a-f]+)-([0-9a-f]+) /.exec(line) ?? [];
    if (from === undefined || to === undefined) continue;
    const range = [Number.parseInt(from, 16), Number.parseInt(to, 16)] as const;
    if (address >= range[0] && address < range[1]) return range;
  }
  return null;
}

/** Private writable memory of this process, used or not; null where the system does not tell. */
export function allocatedBytes(): number | null {
  if (process.platform !== 'linux') return null;
  const kilobytes = /^VmData:\s+(\d+) kB/m.exec(readFileSync('/proc/self/status', 'latin1'))?.[1];
  return kilobytes === undefined ? null : Number(kilobytes) * 1024;
}
