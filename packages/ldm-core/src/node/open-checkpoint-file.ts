import * as zlib from 'node:zlib';
import type { Checkpoint, OpenOptions } from '../io/checkpoint.js';
import type { Crc32 } from '../io/crc32.js';
import { openCheckpoint } from '../io/open-checkpoint.js';
import { fileSource } from './file-source.js';

/** Node's own CRC-32, several times faster than JavaScript; there from Node 20.15 on. */
export const nodeCrc32: Crc32 = (bytes, crc) => zlib.crc32(bytes, crc);

/**
 * Open a checkpoint file: `.ckpt`, `.pth`, `.pt` or `.safetensors`. Close it when done.
 * @throws CheckpointError, or the operating system's error if the file cannot be opened
 */
export async function openCheckpointFile(path: string, options: OpenOptions = {}): Promise<Checkpoint> {
  const source = await fileSource(path);
  try {
    return await openCheckpoint(source, { crc32: nodeCrc32, ...options });
  } catch (error) {
    await source.close?.();
    throw error;
  }
}
