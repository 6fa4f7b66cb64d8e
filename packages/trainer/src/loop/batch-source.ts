import { encodeValues, TensorToWrite, writeSafetensors } from '@codiff/ldm-core';
import { atomicWrite } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import type { TensorBatch } from '../steps/train-state.js';

/** A tensor's values where the data is read: no backend is involved. */
export interface HostTensor {
  /** In row-major order; the type of the array is the type of the tensor. */
  readonly values: Float32Array | Int32Array;
  readonly shape: readonly number[];
}

/** One batch, by the original's batch keys (`image` [B,H,W,C], `caption` ids [B,L], `seg_mask` [B,K,N], ...). */
export type HostBatch = Readonly<Record<string, HostTensor>>;

/**
 * Batches of a data set. It has no position of its own: what it yields depends on the epoch and the index alone (and on
 * the seed and the files it was made with), so a run goes on wherever its checkpoint says.
 */
export interface BatchSource {
  /** Batches of an epoch, the last short one included. */
  readonly length: number;
  /** The batches of an epoch from index `from` on; none if that is the end. */
  epoch(epoch: number, from: number): AsyncIterable<HostBatch>;
}

/** Upload a batch. The caller owns the tensors. */
export function toTensors(batch: HostBatch): TensorBatch {
  return Object.fromEntries(
    Object.entries(batch).map(([key, { values, shape }]) => [
      key,
      tf.tensor(values, [...shape], values instanceof Int32Array ? 'int32' : 'float32'),
    ]),
  );
}

/** Number of samples. */
export const batchSizeOf = (batch: HostBatch): number => Object.values(batch)[0]?.shape[0] ?? 0;

/** Keep a batch as a safetensors file, to look at it later. @param notes text for the file's header */
export async function saveBatch(
  path: string,
  batch: HostBatch,
  notes: Readonly<Record<string, string>>,
): Promise<void> {
  const tensors = Object.entries(batch).map(([key, { values, shape }]): [string, TensorToWrite] => {
    const dtype = values instanceof Int32Array ? 'int32' : 'float32';
    return [key, new TensorToWrite(dtype, shape, async () => encodeValues(dtype, values))];
  });
  await atomicWrite(path, (sink) => writeSafetensors(sink, new Map(tensors), notes));
}

/** The first batches of each epoch. @param limit says how many, given how many there are; null: all */
export function limited(source: BatchSource, limit: ((batches: number) => number) | null): BatchSource {
  if (limit === null) return source;
  const length = Math.min(limit(source.length), source.length);
  return {
    length,
    async *epoch(epoch, from) {
      if (from >= length) return;
      let index = from;
      for await (const batch of source.epoch(epoch, from)) {
        yield batch;
        if (++index === length) return;
      }
    },
  };
}
