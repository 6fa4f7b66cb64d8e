import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { pipeline } from 'node:stream/promises';

/**
 * SHA-256 of a file of any size, in hexadecimal.
 * @param signal stops reading @throws the operating system's error if the file cannot be read; an AbortError if stopped
 */
export async function hashFile(path: string, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  await pipeline(createReadStream(path, { highWaterMark: 2 ** 20 }), hash, { ...(signal ? { signal } : {}) });
  return hash.digest('hex');
}
