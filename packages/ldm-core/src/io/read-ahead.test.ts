import { describe, expect, it } from 'vitest';
import { bytesSource } from './byte-source.js';
import { Checkpoint } from './checkpoint.js';
import { readAhead } from './read-ahead.js';
import { Storage, StoredTensor } from './stored-tensor.js';

const MIB = 2 ** 20;

/** A file of tensors of these many bytes, filled with their number, and a log of what is read when. */
function file(sizes: readonly number[], log: string[] = []) {
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
  const tensors = new Map(
    sizes.map((size, i) => {
      const storage = new Storage(`${i}`, size);
      storage.locate = async () => starts[i]!;
      return [`${i}`, new StoredTensor('uint8', [size], [1], 0, storage)] as const;
    }),
  );
  const source = bytesSource('file', new Uint8Array(0));
  const checkpoint = new Checkpoint(
    {
      ...source,
      size: sizes.reduce((a, b) => a + b, 0),
      async readInto(target, offset) {
        const i = starts.lastIndexOf(offset);
        log.push(`read ${i}`);
        target.fill(i);
      },
    },
    { format: 'safetensors', tensors, root: null, metadata: new Map() },
  );
  const wanted = (lent: (i: number) => boolean) =>
    sizes.map((_, i) => ({ fileKey: `${i}`, tensor: tensors.get(`${i}`)!, lent: lent(i) }));
  return { checkpoint, wanted };
}

describe('readAhead', () => {
  it.each([
    ['lent', () => true],
    ['owned', () => false],
    ['mixed', (i: number) => i % 3 === 0],
  ])('gives the bytes of every tensor, in order: %s', async (_, lent) => {
    const sizes = [5, 1, 16, 0, 7, 33, 8, 3, 12];
    const { checkpoint, wanted } = file(sizes);
    let i = 0;
    for await (const bytes of readAhead(checkpoint, wanted(lent))) {
      // Time for the next one to be read, over this one if they shared memory.
      await new Promise((resolve) => setTimeout(resolve, 1));
      expect([...bytes]).toEqual(new Array(sizes[i]!).fill(i));
      expect(bytes.byteOffset % 8).toBe(0);
      i++;
    }
    expect(i).toBe(sizes.length);
  });

  it('reads the next one while one is worked on, if both fit where the largest does', async () => {
    const log: string[] = [];
    const { checkpoint, wanted } = file([40 * MIB, 20 * MIB, 50 * MIB, MIB], log);
    let i = 0;
    for await (const _ of readAhead(
      checkpoint,
      wanted(() => true),
    )) {
      await new Promise((resolve) => setTimeout(resolve, 1));
      log.push(`work ${i++}`);
    }
    expect(log).toEqual(['read 0', 'read 1', 'work 0', 'work 1', 'read 2', 'read 3', 'work 2', 'work 3']);
  });

  it('fails at the tensor that cannot be read, and not before', async () => {
    const { checkpoint, wanted } = file([8, 8]);
    checkpoint.tensors.get('1')!.storage.locate = () => Promise.reject(new Error('unreadable'));
    const seen: number[] = [];
    const reading = (async () => {
      for await (const bytes of readAhead(
        checkpoint,
        wanted(() => true),
      ))
        seen.push(bytes[0]!);
    })();
    await expect(reading).rejects.toThrow('unreadable');
    expect(seen).toEqual([0]);
  });

  it('leaves no failure behind when the caller stops early', async () => {
    const { checkpoint, wanted } = file([8, 8]);
    checkpoint.tensors.get('1')!.storage.locate = () => Promise.reject(new Error('unreadable'));
    for await (const _ of readAhead(
      checkpoint,
      wanted(() => true),
    ))
      break;
  });
});
