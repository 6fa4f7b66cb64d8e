import type { ByteSource } from './byte-source.js';
import { CheckpointError, DAMAGED } from './checkpoint-error.js';
import type { Storage } from './stored-tensor.js';

/** Where a storage's bytes start. @throws CheckpointError if they do not all lie in the file */
export async function storageStart(source: ByteSource, storage: Storage, key: string): Promise<number> {
  const start = await storage.locate();
  if (start + storage.byteLength <= source.size) return start;
  throw new CheckpointError({
    file: source.name,
    key,
    offset: start,
    problem: `its storage of ${storage.byteLength} bytes runs past the file's end at ${source.size}`,
    advice: DAMAGED,
  });
}
