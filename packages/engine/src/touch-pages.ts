import koffi from 'koffi';
import type { Region } from './tensor-pool.js';

/** Linux's advice to have pages there, writable, without changing what is in them; from Linux 5.14 on. */
const MADV_POPULATE_WRITE = 23;
/** Addresses in advice begin at a page; this is a multiple of every page size in use. */
const PAGE = 2 ** 16;
/** Bytes of one call: other work of Node's threads gets its turn between two. */
const PIECE = 2 ** 26;

/**
 * Have the system provide the first `bytes` of a region's pages, in a thread beside. A page that is first written to is
 * found and cleared by the kernel meanwhile; of a large model's weights that takes longer than reading them. The pages' contents
 * stay as they are, so tensors may lie there already.
 * @returns when it is done, or when the system declines: it then provides pages as they are written to
 */
export async function touchPages({ address, bytes: size }: Region, bytes: number): Promise<void> {
  if (process.platform !== 'linux') return;
  const madvise = koffi.load('libc.so.6').func('int madvise(void *address, size_t length, int advice)');
  const start = alignUp(address);
  const end = address + BigInt(Math.min(bytes, size));
  for (let at = start; at + BigInt(PAGE) <= end; at += BigInt(PIECE)) {
    const length = Math.min(PIECE, Number(end - at));
    const result = await new Promise<number>((resolve, reject) => {
      madvise.async(at, length, MADV_POPULATE_WRITE, (error: Error | null, value: number) =>
        error === null ? resolve(value) : reject(error),
      );
    });
    if (result !== 0) return;
  }
}

function alignUp(address: bigint): bigint {
  const page = BigInt(PAGE);
  return ((address + page - 1n) / page) * page;
}
