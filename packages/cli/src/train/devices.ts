import { UsageError } from '../usage-error.js';

/** What `--gpus` asks for. */
export interface Devices {
  /** As the engine names it. */
  readonly device: string;
  /** Devices that take part, for the learning-rate rule. */
  readonly count: number;
}

/**
 * The original's forms of `--gpus`: ids with commas, a trailing one included (`0,`, `0,1`), or a number of devices (`1`). Absent
 * or 0: the CPU.
 * @throws UsageError for what is no list, and for more than one device, which training here does not divide its batches over
 */
export function parseGpus(given: string | undefined): Devices {
  const cpu: Devices = { device: 'cpu', count: 1 };
  if (given === undefined) return cpu;
  const entries = given
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0 || !entries.every((entry) => /^\d+$/.test(entry))) {
    throw new UsageError(`--gpus is '${given}'; wanted ids with commas (0,) or a number of devices (1)`);
  }
  const isList = given.includes(',');
  const ids = isList ? entries.map(Number) : Array.from({ length: Number(entries[0]) }, (_, i) => i);
  if (ids.length === 0) return cpu;
  if (ids.length > 1) {
    throw new UsageError(
      `--gpus ${given} names ${ids.length} devices; training runs on one here: pass '--gpus ${ids[0]},' and multiply --accumulate_grad_batches by ${ids.length} for the same batch and learning rate`,
    );
  }
  return { device: `gpu:${ids[0]}`, count: 1 };
}
