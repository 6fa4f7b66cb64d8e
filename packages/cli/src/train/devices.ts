import { UsageError } from '../usage-error.js';

/** What `--gpus` and `--workers` ask for: a device for each process, as the engine names it. One: no others are started. */
export type Devices = readonly [string, ...string[]];

/** Where the devices were asked for. */
export type GpusSource = '--gpus' | 'lightning.trainer.gpus';

/** The cards of this machine that libtensorflow could use. */
export interface Cards {
  /** null: it cannot be known. */
  readonly count: number | null;
  /** Why there is none; null: there are. */
  readonly none: string | null;
}

/**
 * Devices to train on.
 * @param gpus the original's forms: ids with commas, a trailing one included (`0,`, `0,1`), a number of devices (`2`), or `-1`
 *   for all; absent or 0: the CPU
 * @param workers processes on the CPU, 1 by default
 * @param cards asked only where GPUs are wanted @param source where `gpus` was given, for messages
 * @throws UsageError for what is no list, for devices that do not exist, and for GPUs and workers together
 */
export function devicesOf(
  gpus: string | undefined,
  workers: number | undefined,
  cards: () => Cards,
  source: GpusSource = '--gpus',
): Devices {
  const ids = parseGpus(gpus, cards, source);
  if (ids.length === 0) return ['cpu', ...Array.from({ length: (workers ?? 1) - 1 }, () => 'cpu')];
  if (workers !== undefined && workers > 1) {
    throw new UsageError(
      `--workers ${workers} is for the CPU; with ${source} each id is a process: name as many ids, or ${source === '--gpus' ? 'leave one of the two out' : "pass '--gpus 0' too"}`,
    );
  }
  const { count, none } = cards();
  const missing = ids.filter((id) => none !== null || (count !== null && id >= count));
  if (missing.length > 0) throw new UsageError(`${source} ${gpus}: ${absent(missing, ids, cards(), source)}`);
  const [first, ...others] = ids.map((id) => `gpu:${id}`);
  return [first!, ...others];
}

function parseGpus(given: string | undefined, cards: () => Cards, source: GpusSource): number[] {
  if (given === undefined) return [];
  if (given.trim() === '-1') {
    const { count, none } = cards();
    if (none !== null) throw new UsageError(`${source} -1: ${absent([], [], { count, none }, source)}`);
    if (count !== null) return Array.from({ length: count }, (_, i) => i);
    throw new UsageError(`${source} -1: the number of GPUs is not known here; name their ids, '--gpus 0,1'`);
  }
  const entries = given
    .split(',')
    .map((entry) => entry.trim())
    .filter((entry) => entry !== '');
  if (entries.length === 0 || !entries.every((entry) => /^\d+$/.test(entry))) {
    throw new UsageError(
      `${source} is '${given}'; wanted ids with commas (0,), a number of devices (1), or -1 for all`,
    );
  }
  if (!given.includes(',')) return Array.from({ length: Number(entries[0]) }, (_, i) => i);
  const ids = entries.map(Number);
  const twice = ids.find((id, i) => ids.indexOf(id) !== i);
  if (twice !== undefined)
    throw new UsageError(`${source} ${given} names device ${twice} twice; one process trains on each`);
  return ids;
}

function absent(
  missing: readonly number[],
  ids: readonly number[],
  { count, none }: Cards,
  source: GpusSource,
): string {
  const byFlag = source === '--gpus';
  const several = byFlag
    ? `, or pass --workers ${ids.length}`
    : `, '--gpus 0 --workers ${ids.length}' in as many processes`;
  const onCpu = `${byFlag ? 'leave --gpus out' : "pass '--gpus 0'"} to train on the CPU${ids.length > 1 ? several : ''}`;
  if (none !== null) {
    const names = missing.map((id) => `gpu:${id}`).join(', ');
    return `${names === '' ? '' : `there is no ${names}: `}${none} ('codiff doctor' says more); ${onCpu}`;
  }
  const there = Array.from({ length: count ?? 0 }, (_, i) => i);
  return `there is no ${missing.map((id) => `gpu:${id}`).join(', ')}; this machine has ${count} GPU(s): pass '--gpus ${there.join(',')},'`;
}

/**
 * `lightning.trainer.gpus` of a config, in the form of the flag: text, a number, or a list of ids.
 * @returns undefined where it says nothing @throws UsageError for anything else
 */
export function gpusOfConfig(value: unknown): string | undefined {
  if (value === null || value === undefined) return undefined;
  if (typeof value === 'string' || typeof value === 'number') return String(value);
  if (Array.isArray(value) && value.length > 0 && value.every((id) => typeof id === 'number'))
    return `${value.join(',')},`;
  throw new UsageError(
    `lightning.trainer.gpus is ${JSON.stringify(value)}; wanted ids with commas ('0,1'), a number of devices, a list of ids, or -1 for all`,
  );
}
