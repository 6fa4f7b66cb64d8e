import type { ByteSource } from './byte-source.js';
import { CheckpointError } from './checkpoint-error.js';
import type { Crc32 } from './crc32.js';
import { storageStart } from './storage-start.js';
import type { Storage } from './stored-tensor.js';

const CHUNK = 4 * 2 ** 20;

/** Check a storage's checksum in pieces, for tensors that are only a part of it. @throws CheckpointError if it differs */
export async function verifyStorage(
  source: ByteSource,
  storage: Storage,
  key: string,
  checksum: number,
  crc32: Crc32,
): Promise<void> {
  const start = await storageStart(source, storage, key);
  const chunk = new Uint8Array(Math.min(CHUNK, storage.byteLength));
  let crc = 0;
  for (let done = 0; done < storage.byteLength; done += CHUNK) {
    const part = chunk.subarray(0, Math.min(CHUNK, storage.byteLength - done));
    await source.readInto(part, start + done);
    crc = crc32(part, crc);
  }
  if (crc !== checksum) throw checksumError(source.name, key, storage.id);
}

/** The error for bytes that are not the ones that were saved. */
export function checksumError(file: string, key: string, storage: string): CheckpointError {
  return new CheckpointError({
    file,
    key,
    problem: `the bytes of storage '${storage}' do not match their checksum`,
    advice: 'the file was damaged after it was saved: download or save it again',
  });
}
