import { EngineError, type EngineInfo, useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { InputError, oneLine } from '../input-error.js';
import { UsageError } from '../usage-error.js';
import { deviceOf, memoryLimitOf } from './memory.js';
import type { Request } from './request.js';

/** How a run uses the cores. */
export interface Cores {
  /** The engine's own choice by default. */
  readonly threads?: number | undefined;
  /** Parts of a step that do not need each other. Default 1. */
  readonly branches?: number | undefined;
}

/**
 * Start the engine so that a run gives the same bits whenever it is repeated on this machine: for a rerun with as many threads,
 * divided among as many branches, as then (they decide in which order sums are taken).
 * @throws InputError for a device that there is not, UsageError for a precision that the device does not have
 */
export async function startEngine(
  request: Pick<Request, 'precision' | 'device' | 'memoryLimit'> & Partial<Pick<Request, 'packWeights'>>,
  { threads, branches }: Cores = {},
): Promise<EngineInfo> {
  const { precision, packWeights } = request;
  const device = deviceOf(request);
  const memoryLimitMiB = memoryLimitOf(request);
  tf.enableProdMode();
  let info: EngineInfo;
  try {
    info = await useEngine({
      deterministic: true,
      ...(packWeights === undefined ? {} : { packWeights }),
      ...(device === undefined ? {} : { device }),
      ...(memoryLimitMiB === undefined ? {} : { memoryLimitMiB }),
      ...(threads === undefined ? {} : { threads }),
      ...(branches === undefined ? {} : { branches }),
    });
  } catch (error) {
    if (error instanceof EngineError && request.device !== undefined)
      throw new InputError(`--device ${device}: ${oneLine(error)}`);
    throw error;
  }
  const onCpu = info.device.startsWith('cpu');
  if ((precision === 'float16' && onCpu) || (precision === 'bfloat16' && !onCpu)) {
    throw new UsageError(
      `--precision ${precision} is not for ${info.device}; wanted float32 or ${onCpu ? 'bfloat16' : 'float16'}`,
    );
  }
  return info;
}
