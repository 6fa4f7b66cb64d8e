import { type ConfigTree, isTree } from '@codiff/ldm-core';
import { TrainError } from '../train-error.js';

// Options under `lightning.trainer` that take more than one form.

/** Number formats that a step may compute in; weights are float32 in either. */
export type TrainPrecision = 'float32' | 'bfloat16';

/** `precision`: 32 or bf16, by the trainer's names and by TensorFlow's. @throws TrainError for float16 and what is none */
export function precisionOf(value: unknown): TrainPrecision {
  switch (String(value ?? 32)) {
    case '32':
    case 'float32':
      return 'float32';
    case 'bf16':
    case 'bfloat16':
      return 'bfloat16';
    case '16':
    case 'float16':
      throw new TrainError(
        'lightning.trainer.precision 16: float16 needs loss scaling, which is not offered; use bfloat16 on a CPU, or 32',
      );
    default:
      throw new TrainError(`lightning.trainer.precision is ${String(value)}; wanted 32 (float32) or bf16 (bfloat16)`);
  }
}

const UNITS: Readonly<Record<string, number>> = { seconds: 1, minutes: 60, hours: 3600, days: 86400, weeks: 604800 };

/**
 * `max_time`: seconds; `DD:HH:MM:SS` and shorter forms; or a mapping such as `{minutes: 30}`.
 * @returns seconds; null where there is no limit @throws TrainError for anything else
 */
export function maxTimeOf(value: unknown): number | null {
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && value >= 0) return value;
  if (typeof value === 'string') {
    const parts = value.split(':');
    if (parts.length <= 4 && parts.every((part) => /^\d+(\.\d+)?$/.test(part))) {
      return parts.reverse().reduce((sum, part, i) => sum + Number(part) * [1, 60, 3600, 86400][i]!, 0);
    }
  }
  if (isTree(value) && Object.entries(value).every(([unit, n]) => unit in UNITS && typeof n === 'number')) {
    return Object.entries(value).reduce((sum, [unit, n]) => sum + Number(n) * UNITS[unit]!, 0);
  }
  throw new TrainError(
    `lightning.trainer.max_time is ${JSON.stringify(value)}; wanted seconds, [[DD:]HH:]MM:SS, or a mapping like {minutes: 30}`,
  );
}

/** How many batches an option like `limit_val_batches` leaves: a whole number is a count, a fraction a share. */
export type BatchLimit = (batches: number) => number;

/** `limit_train_batches` and the like. @returns null where there is no limit @throws TrainError */
export function batchLimitOf(trainer: ConfigTree, option: string): BatchLimit | null {
  const value = trainer[option];
  if (value === null || value === undefined) return null;
  if (typeof value === 'number' && value >= 0) {
    // As in the original's trainer 1.0 is everything; YAML and JSON do not tell it from 1.
    if (value <= 1) return (batches) => (value === 0 ? 0 : Math.max(1, Math.floor(value * batches)));
    if (Number.isInteger(value)) return (batches) => Math.min(value, batches);
  }
  throw new TrainError(
    `lightning.trainer.${option} is ${JSON.stringify(value)}; wanted a number of batches from 2 on, or a share from 0 to 1`,
  );
}
