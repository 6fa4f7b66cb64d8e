import { randomUUID } from 'node:crypto';
import { type FileHandle, open, rename, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { ByteSink } from '../io/byte-sink.js';

/**
 * Write a file so that `path` holds either its old content or all of the new one, whatever happens: into a temporary file
 * beside it, flushed to the disk, then renamed, and the folder flushed.
 * @param fill writes the content
 * @throws what `fill` or the operating system throws; the temporary file is gone then
 */
export async function atomicWrite(path: string, fill: (sink: ByteSink) => Promise<void>): Promise<void> {
  const folder = dirname(path);
  const temporary = join(folder, `.${basename(path)}.${randomUUID()}.tmp`);
  const handle = await open(temporary, 'wx');
  try {
    try {
      await fill({ write: (bytes) => writeAll(handle, bytes) });
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await unlink(temporary).catch(() => undefined);
    throw error;
  }
  await syncFolder(folder);
}

/** Write a text file as UTF-8, whole or not at all. @throws the operating system's error, as {@link atomicWrite} */
export function atomicWriteText(path: string, text: string): Promise<void> {
  return atomicWrite(path, (sink) => sink.write(new TextEncoder().encode(text)));
}

/** Largest piece of one write call; the operating system's own limit is just below 2 GiB. */
const PIECE = 2 ** 30;

async function writeAll(handle: FileHandle, bytes: Uint8Array): Promise<void> {
  for (let done = 0; done < bytes.length; ) {
    const { bytesWritten } = await handle.write(bytes, done, Math.min(PIECE, bytes.length - done));
    done += bytesWritten;
  }
}

/** Make the rename itself durable; Windows cannot open folders and does without. */
async function syncFolder(folder: string): Promise<void> {
  if (process.platform === 'win32') return;
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
