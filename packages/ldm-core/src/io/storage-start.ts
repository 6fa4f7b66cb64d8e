import type { ByteSource } from './byte-source.js';
import { CheckpointError, DAMAGED } from './checkpoint-error.js';
import type { Storage } from './stored-tensor.js';

/**
 * Where a storage's bytes start.
 * @param key of the tensor that is read, for messages
 * @throws CheckpointError if they do not all lie in the file, or nothing says where they lie
 */
export async function storageStart(source: ByteSource, storage: Storage, key: string): Promise<number> {
  const start = await storage.locate().catch((error: unknown) => {
    if (!(error instanceof CheckpointError)) throw error;
    // The format's reader knows storages and archive entries; which tensor that concerns is known here.
    const { file, offset, advice } = error;
    const problem = error.key === undefined ? error.problem : `'${error.key}': ${error.problem}`;
    throw new CheckpointError(
      { file, key, problem, advice, ...(offset === undefined ? {} : { offset }) },
      { cause: error },
    );
  });
  if (start + storage.byteLength <= source.size) return start;
  throw new CheckpointError({
    file: source.name,
    key,
    offset: start,
    problem: `its storage of ${storage.byteLength} bytes runs past the file's end at ${source.size}`,
    advice: DAMAGED,
  });
}
