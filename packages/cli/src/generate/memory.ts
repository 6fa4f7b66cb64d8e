import { existsSync } from 'node:fs';
import { EngineError } from '@codiff/engine';
import { InputError } from '../input-error.js';
import type { Request } from './request.js';

const MIB = 2 ** 20;

/** The device to ask for. Where there is no NVIDIA card it is the CPU by name: the engine can then bound what tensors take. */
export const deviceOf = ({ device }: Pick<Request, 'device'>): string | undefined =>
  device ?? (process.platform === 'linux' && !existsSync('/dev/nvidiactl') ? 'cpu' : undefined);

/**
 * Most memory that a run may take, in MiB: without a flag what is free now, so that a batch that is too large fails with an error
 * instead of bringing in the system's out-of-memory killer. undefined: no bound (a card has its own pool, and only Linux can bound
 * the rest).
 */
export function memoryLimitOf(request: Pick<Request, 'device' | 'memoryLimit'>): number | undefined {
  if (request.memoryLimit !== undefined) return request.memoryLimit;
  if (process.platform !== 'linux' || deviceOf(request) !== 'cpu') return undefined;
  return Math.max(1, Math.floor(process.availableMemory() / MIB));
}

/**
 * Refuse a batch that cannot fit, before anything is loaded.
 * @param decoderBytes that the decoder takes for one image, at least
 * @throws InputError naming the largest batch that might fit
 */
export function checkBatchFits(
  request: Pick<Request, 'device' | 'memoryLimit' | 'batches'>,
  decoderBytes: number,
): void {
  const limit = memoryLimitOf(request);
  const batch = request.batches[0]!.size;
  if (limit === undefined || batch * decoderBytes <= limit * MIB) return;
  const needed = Math.ceil((batch * decoderBytes) / MIB);
  throw tooLarge(
    batch,
    `: to decode it takes more than ${needed} MiB, and ${limit} are free`,
    Math.floor((limit * MIB) / decoderBytes),
  );
}

/** The error as one about the user's batch size, if that is what it is. */
export function explainMemory(error: unknown, { batches }: Request): unknown {
  if (!(error instanceof EngineError) || error.code !== 'resource-exhausted') return error;
  const batch = batches[0]!.size;
  return tooLarge(batch, '', Math.floor(batch / 2), error);
}

function tooLarge(batch: number, why: string, most: number, cause?: Error): InputError {
  const advice = most >= 1 ? `a smaller --batch_size, e.g. ${most}` : 'a machine with more memory, or a smaller model';
  return new InputError(`a batch of ${batch} does not fit into memory${why}; wanted ${advice}`, { cause });
}
