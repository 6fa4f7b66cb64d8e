import { CheckpointError, DAMAGED } from './checkpoint-error.js';
import { PickleFault, PickleTruncated } from './pickle-reader.js';

/**
 * What a failed parse means for the file's reader; other errors pass through.
 * @param key the archive entry or part that holds the pickle
 * @param base where the pickle's offsets count from
 */
export function checkpointErrorOf(error: unknown, file: string, key: string, base: number): unknown {
  if (error instanceof PickleFault) {
    return new CheckpointError(
      {
        file,
        key: error.global ?? key,
        offset: base + error.offset,
        problem: error.problem,
        advice: error.advice ?? DAMAGED,
      },
      { cause: error },
    );
  }
  if (error instanceof PickleTruncated) {
    return new CheckpointError(
      { file, key, offset: base + error.offset, problem: 'the pickle is cut off', advice: DAMAGED },
      { cause: error },
    );
  }
  return error;
}
