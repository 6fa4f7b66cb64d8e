import { existsSync, readFileSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { dirname } from 'node:path';
import { atomicWriteText } from '@codiff/ldm-core/node';
import type { Claims } from './claims.js';
import { EvidenceError } from './evidence-error.js';
import type { Sampling } from './method-samplers.js';
import type { Method } from './methods.js';
import type { NormalisedPoint } from './mix-weight.js';
import type { PairedMetric } from './paired-metrics.js';
import type { HeldOutSet } from './pairs.js';
import type { SmallSampleBias } from './small-sample-bias.js';

/** What the table measures. */
export const METRICS = ['mask_accuracy', 'mask_miou', 'text_consistency', 'frechet', 'kid', 'diversity'] as const;
/** A name from {@link METRICS}. */
export type Metric = (typeof METRICS)[number];

/** One value of a table with its 95 % interval. */
export interface EvidenceRow<M extends string = Method> {
  readonly method: M;
  readonly metric: Metric;
  readonly value: number;
  readonly low: number;
  readonly high: number;
  /** Images that it is of; of diversity, pairs of conditions. */
  readonly n: number;
}

/** A picture of the page. */
export interface EvidencePicture {
  /** From the record's folder. */
  readonly file: string;
  readonly title: string;
  /** What is to be seen: one paragraph each. */
  readonly words: readonly string[];
  readonly bytes: number;
}

/** One ablation, and the controls beside it. */
export interface AblationRun {
  readonly name: string;
  /** Its config; read over that of the table. null: the model of the table. */
  readonly config: string | null;
  /** Optimizer steps from fresh dynamic diffusers; null: as shipped. */
  readonly steps: number | null;
  readonly seconds: number | null;
}

/** What a variant gives more than the control, over the same pairs and noise, with its 95 % interval. */
export interface AblationDifference {
  readonly name: string;
  readonly metric: PairedMetric;
  readonly difference: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** Ablations and how they do. */
export interface AblationTable {
  readonly runs: readonly AblationRun[];
  readonly rows: readonly EvidenceRow<string>[];
  /** Of every run but the control. */
  readonly differences: readonly AblationDifference[];
  readonly machine: string;
  readonly load: number;
}

/** Everything that `docs/evidence.md` is made from: `docs/evidence.json`. */
export interface EvidenceRecord {
  readonly version: 1;
  readonly date: string;
  readonly rows: readonly EvidenceRow[];
  /** The real drawings of the table's pairs, measured alike: what the networks would say of perfect images. */
  readonly real: readonly EvidenceRow<'real'>[];
  readonly claims: Claims;
  /** Weight of the mask in the fixed mix. */
  readonly fixedMix: number;
  readonly grid: readonly NormalisedPoint[];
  readonly sampler: 'ddim';
  readonly sampling: Sampling;
  /** Pairs of the table, of the choice of the weight, and those with a second sample for the diversity. */
  readonly pairs: {
    readonly test: number;
    readonly validation: number;
    readonly twice: number;
    readonly reference: number;
  };
  readonly configs: readonly string[];
  /** SHA-256 of the weights by file. */
  readonly hashes: Readonly<Record<string, string>>;
  /** Which faces were held out. */
  readonly heldOut: HeldOutSet;
  /** What a quick run compares with. */
  readonly quick: {
    readonly pairs: number;
    readonly twice: number;
    /** How much higher metrics of so few images come out, by method. */
    readonly bias: Readonly<Record<Method, SmallSampleBias>>;
  };
  /** Wall time by part of the work, in seconds, of all runs together. */
  readonly seconds: Readonly<Record<string, number>>;
  readonly machine: string;
  /** Load average of the machine before the last run began: other work that the times contain. */
  readonly load: number;
  readonly warnings: readonly string[];
  readonly pictures?: readonly EvidencePicture[];
  readonly ablations?: AblationTable;
}

/** Read a record. @throws EvidenceError if there is none, or it is of another version */
export function readRecord(path: string): EvidenceRecord {
  if (!existsSync(path)) {
    throw new EvidenceError(`evidence: ${path} is missing; 'npm run evidence' makes it from the shipped weights`);
  }
  const record = JSON.parse(readFileSync(path, 'utf8')) as EvidenceRecord;
  if (record.version === 1) return record;
  throw new EvidenceError(`evidence: ${path} is of version ${String(record.version)}; wanted 1: make it anew`);
}

/** Write a record, whole or not at all. */
export async function writeRecord(path: string, record: EvidenceRecord): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await atomicWriteText(path, `${JSON.stringify(record, null, 1)}\n`);
}
