import { Rng } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Divided, Training } from '../steps/train-state.js';
import { type BatchSource, batchSizeOf, type HostBatch, toTensors } from './batch-source.js';
import { readLogs } from './read-logs.js';

/** How a validation runs. */
export interface Validation {
  readonly source: BatchSource;
  /** The training's, compiled or not. */
  readonly evaluate: Training['evaluate'];
  readonly divided: Divided;
  readonly seed: number;
  readonly globalStep: number;
  /** At most so many batches; default: all. */
  readonly batches?: number;
  /** Told of each batch after it. */
  readonly onBatch?: (batch: HostBatch, index: number) => Promise<void>;
}

/**
 * Mean losses over the validation set, by sample. Each batch has the same noise and timesteps at every validation of a run,
 * so that two validations differ by the weights alone.
 */
export async function validate(validation: Validation): Promise<Record<string, number>> {
  const { source, evaluate, divided, seed, globalStep } = validation;
  const limit = Math.min(source.length, validation.batches ?? source.length);
  const sums: Record<string, number> = {};
  let [index, samples] = [0, 0];
  // An iterator of its own for every validation: the data has one order.
  for await (const host of source.epoch(0, 0)) {
    if (index >= limit) break;
    const batch = toTensors(host);
    const control = {
      seed: Rng.of(seed).split('validation').split(index).toTensor(),
      globalStep: tf.scalar(globalStep, 'int32'),
    };
    const logs = evaluate(divided.state, divided.frozen, batch, control);
    const values = await readLogs(logs);
    tf.dispose([...Object.values(batch), control.seed, control.globalStep]);
    const size = batchSizeOf(host);
    for (const [name, value] of Object.entries(values)) sums[name] = (sums[name] ?? 0) + size * value;
    samples += size;
    await validation.onBatch?.(host, index);
    index++;
  }
  return Object.fromEntries(Object.entries(sums).map(([name, sum]) => [name, sum / samples]));
}
