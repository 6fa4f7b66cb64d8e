import { constants, open } from 'node:fs/promises';
import type { ByteSource } from '../io/byte-source.js';
import { CheckpointError, DAMAGED } from '../io/checkpoint-error.js';

/** Largest piece of one read call; the operating system's own limit is just below 2 GiB. */
const PIECE = 2 ** 30;

/**
 * A file as a source of bytes, read by position; nothing is mapped or cached.
 * @throws the operating system's error if the file cannot be opened; CheckpointError if it is a folder, pipe or device
 */
export async function fileSource(path: string): Promise<ByteSource> {
  // A named pipe would keep a plain open waiting for a writer, for ever. Windows has no such flag.
  const handle = await open(path, constants.O_RDONLY | (constants.O_NONBLOCK ?? 0));
  const stat = await handle.stat();
  if (!stat.isFile()) {
    await handle.close();
    throw new CheckpointError({
      file: path,
      problem: 'is not a regular file',
      advice: 'give the path of a checkpoint file',
    });
  }
  return {
    name: path,
    size: stat.size,
    async readInto(target, offset) {
      for (let done = 0; done < target.length; ) {
        const length = Math.min(PIECE, target.length - done);
        const { bytesRead } = await handle.read(target, done, length, offset + done);
        if (bytesRead === 0) {
          const problem = `ends before byte ${offset + target.length}: it shrank while it was read`;
          throw new CheckpointError({ file: path, offset: offset + done, problem, advice: DAMAGED });
        }
        done += bytesRead;
      }
    },
    close: () => handle.close(),
  };
}
