import { extname } from 'node:path';
import type * as tf from '@tensorflow/tfjs-core';
import { CheckpointError } from '../io/checkpoint-error.js';
import { paramsToWrite, type SaveDType } from '../io/params-to-write.js';
import type { PickleInput } from '../io/pickle-writer.js';
import type { TensorToWrite } from '../io/tensor-to-write.js';
import { writeSafetensors } from '../io/write-safetensors.js';
import { writeTorchZip } from '../io/write-torch.js';
import type { ParamSpec } from '../nn/scope.js';
import { atomicWrite } from './atomic-write.js';
import { nodeCrc32 } from './open-checkpoint-file.js';

/** The formats written here. */
export type SaveFormat = 'safetensors' | 'torch';

/** How weights are saved. */
export interface SaveOptions {
  /** Default: by the path's ending. */
  readonly format?: SaveFormat;
  /** Element type of floating-point weights (default float32). */
  readonly dtype?: SaveDType;
  /** Text for a safetensors header. */
  readonly metadata?: Readonly<Record<string, string>>;
  /** What a PyTorch file holds beside `state_dict`, e.g. `epoch`. */
  readonly extra?: Readonly<Record<string, PickleInput>>;
  /** Ends the writing before its next piece, with the signal's reason; the path holds what it held. */
  readonly signal?: AbortSignal;
}

/**
 * Save weights under the original's keys, atomically; one tensor at a time is fetched from the backend.
 * @throws Error if `params` are not exactly those declared; CheckpointError if the path's ending tells no format
 */
export async function saveParams(
  path: string,
  params: ReadonlyMap<string, tf.Tensor>,
  specs: ReadonlyMap<string, ParamSpec>,
  options: SaveOptions = {},
): Promise<void> {
  await saveTensors(path, paramsToWrite(params, specs, options.dtype), options);
}

/**
 * Save tensors to `path`, atomically: as safetensors, or as `{ state_dict, ...extra }` in PyTorch's zip format.
 * @throws CheckpointError if the path's ending tells no format
 */
export async function saveTensors(
  path: string,
  tensors: ReadonlyMap<string, TensorToWrite>,
  options: Omit<SaveOptions, 'dtype'> = {},
): Promise<void> {
  const { format = formatOf(path), signal } = options;
  await atomicWrite(path, (file) => {
    const write = async (bytes: Uint8Array): Promise<void> => {
      signal?.throwIfAborted();
      await file.write(bytes);
    };
    return format === 'safetensors'
      ? writeSafetensors({ write }, tensors, options.metadata)
      : writeTorchZip({ write }, { ...options.extra, state_dict: tensors }, nodeCrc32);
  });
}

/** The format a path's ending asks for. @throws CheckpointError for other endings */
export function formatOf(path: string): SaveFormat {
  const extension = extname(path).toLowerCase();
  if (extension === '.safetensors') return 'safetensors';
  if (['.ckpt', '.pth', '.pt'].includes(extension)) return 'torch';
  throw new CheckpointError({
    file: path,
    problem: `the ending '${extension}' tells no format`,
    advice: 'end the name in .safetensors, .ckpt, .pth or .pt',
  });
}
