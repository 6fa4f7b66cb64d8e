import { existsSync, readFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { join } from 'node:path';
import { atomicWriteText } from '@codiff/ldm-core/node';
import type { CodiffErrors } from './codiff-errors.js';
import { type DemoOptions, DemoUsageError } from './options.js';
import type { Samples } from './sample.js';
import type { Stage } from './stages.js';

/** What a training took, all its parts together. */
export interface Spent {
  /** Wall time. */
  readonly seconds: number;
  /** Of the processor, all cores together: what a machine that does other work too can be judged by. */
  readonly cpuSeconds: number;
}

/** What a stage that is finished leaves behind. */
export interface StageResult extends Spent {
  readonly steps: number;
  readonly batchSize: number;
  readonly stepsPerSecond: number;
  readonly imagesPerSecond: number;
  /** Losses on held-out faces by the same noise, before and after training; codiff has its own. */
  readonly heldOut?: { readonly name: string; readonly atStart: number; readonly atEnd: number };
}

/** What the demo remembers between runs, and ends with: `demo.json`. */
export interface DemoRecord {
  readonly version: 1;
  readonly mode: DemoOptions['mode'];
  readonly faces: number;
  readonly heldOut: number;
  readonly configs: string;
  readonly steps: number | null;
  readonly machine: string;
  /** Load average of the machine before the demo began: other work that its times contain. */
  readonly load: number;
  readonly stages: Partial<Record<Stage['name'], StageResult>>;
  /** What a stage that is not finished has taken so far. */
  readonly running?: Spent & { readonly stage: Stage['name'] };
  readonly codiff?: CodiffErrors;
  /** Wall time of all runs of the demo together. */
  readonly seconds: number;
  /** Paths within the demo's folder. */
  readonly samples?: Samples;
}

const FILE = 'demo.json';

/** What an earlier run left; null for an empty folder. @throws DemoUsageError if it was another kind of run */
export function readRecord({ out, mode, faces, heldOut, configs, steps }: DemoOptions): DemoRecord | null {
  const file = join(out, FILE);
  if (!existsSync(file)) return null;
  const record = JSON.parse(readFileSync(file, 'utf8')) as DemoRecord;
  const wanted: Partial<DemoRecord> = { version: 1, mode, faces, heldOut, configs, steps };
  const same = Object.entries(wanted).every(([key, value]) => record[key as keyof DemoRecord] === value);
  if (same) return record;
  const was = `a ${record.mode} run of ${record.faces} faces${record.steps === null ? '' : ` and ${record.steps} steps`}`;
  throw new DemoUsageError(`demo: ${out} holds ${was}; name another folder with --out, or begin anew with --force`);
}

/** Write the record, whole or not at all. */
export const writeRecord = (out: string, record: DemoRecord): Promise<void> =>
  atomicWriteText(join(out, FILE), `${JSON.stringify(record, null, 1)}\n`);

/** The machine in words. */
export function machineOf(): string {
  const all = cpus();
  return `${all[0]?.model ?? process.arch}, ${all.length} cores, Node ${process.versions.node}`;
}
