import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { atomicWriteText, hashFile } from '@codiff/ldm-core/node';
import type { ShippedWeights } from './artefact.js';
import { PretrainError } from './pretrain-error.js';
import { isRead, PRETRAIN_STAGES, type StageName, shippedFile } from './stage-table.js';

/** Values of a training by step. */
export type Curve = readonly (readonly [step: number, value: number])[];

/** One figure about held-out faces. */
export interface HeldOutFigure {
  readonly name: string;
  readonly value: number;
  /** Faces that it is about. */
  readonly n: number;
  /** What it is, in words. */
  readonly what: string;
}

/** What is known of shipped weights: `pretrained/demo/<stage>.json`, or `pretrained/demo_stages`. */
export interface ShippedRecord {
  readonly version: 1;
  readonly stage: StageName;
  /** The command that trained them, as typed. */
  readonly command: string;
  readonly config: string;
  readonly overrides: readonly string[];
  readonly seed: number;
  readonly steps: number;
  readonly batchSize: number;
  readonly precision: string;
  /** Version of this repository, of Node, and of what computed. */
  readonly versions: Readonly<Record<string, string>>;
  readonly machine: string;
  /** Of training, without what lay between interruptions; with what other work of the machine took from it. */
  readonly seconds: number;
  /** Median of the run: neither pauses nor other work weigh in it, so steps and this tell what a quiet machine takes. */
  readonly imagesPerSecond: number;
  readonly weights: ShippedWeights & { readonly dtype: 'float16' };
  /** SHA-256 of the shipped weights that this training read. */
  readonly inputs: Partial<Readonly<Record<StageName, string>>>;
  readonly curves: { readonly name: string; readonly train: Curve; readonly validation: Curve };
  readonly heldOut: readonly HeldOutFigure[];
}

/** Write the record of a stage, whole or not at all. @param root the repository */
export const writeRecord = (root: string, record: ShippedRecord): Promise<void> =>
  atomicWriteText(join(root, shippedFile(record.stage, 'json')), `${formatJson(record)}\n`);

/** JSON of which lists of numbers take a line, not a line a number. */
const formatJson = (value: unknown): string =>
  JSON.stringify(value, null, 1).replace(/\[\s+(-?[\d.e+-]+),\s+(-?[\d.e+-]+)\s+\]/g, '[$1, $2]');

/** Of a training that was done once more and whose weights did not ship: what it took, and what it gave. */
export const againFile = (stage: StageName): string => `pretrained/demo_stages/again/${stage}.json`;

/** The record of a stage; null where the stage has not shipped yet. @throws PretrainError for one that cannot be read */
export async function readRecord(
  root: string,
  stage: StageName,
  file = shippedFile(stage, 'json'),
): Promise<ShippedRecord | null> {
  if (!existsSync(join(root, file))) return null;
  try {
    const record = JSON.parse(await readFile(join(root, file), 'utf8')) as ShippedRecord;
    if (record.version === 1 && record.stage === stage) return record;
  } catch (error) {
    if (!(error instanceof SyntaxError)) throw error;
  }
  throw new PretrainError(`${file} is no record of the stage '${stage}'; restore it with 'git checkout ${file}'`);
}

/**
 * The record of shipped weights that are there and are the ones it describes.
 * @throws PretrainError if record or weights are missing or damaged
 */
export async function checkedRecord(root: string, stage: StageName): Promise<ShippedRecord> {
  const record = await readRecord(root, stage);
  const [file, json] = [shippedFile(stage), shippedFile(stage, 'json')];
  const missing = record === null ? json : existsSync(join(root, file)) ? null : file;
  if (record === null || missing !== null) {
    throw new PretrainError(
      `${missing} is not there; take the repository's with 'git checkout ${missing}', or train it with 'npm run demo:train -- ${stage}'`,
    );
  }
  const found = await hashFile(join(root, file));
  if (found === record.weights.sha256) return record;
  throw new PretrainError(
    `${file} is damaged: its SHA-256 is ${found}, and ${json} says ${record.weights.sha256}; restore it with 'git checkout ${file}'`,
  );
}

/**
 * The records of everything that models read, in the order of training.
 * @throws PretrainError if a part is missing or damaged, or was trained with another part than the one that is there
 */
export async function checkedRecords(root: string): Promise<ShippedRecord[]> {
  const records: ShippedRecord[] = [];
  for (const { name } of PRETRAIN_STAGES) if (isRead(name)) records.push(await checkedRecord(root, name));
  for (const record of records) {
    const other = records.find(({ stage, weights }) => (record.inputs[stage] ?? weights.sha256) !== weights.sha256);
    if (other !== undefined) throw foreignInput(record.stage, other.stage);
  }
  return records;
}

/** What to say of weights that were trained on others than those that are there. */
export const foreignInput = (stage: StageName, input: StageName): PretrainError =>
  new PretrainError(
    `${shippedFile(stage)} was trained on another ${shippedFile(input)} than the one that is there; train it again with 'npm run demo:train -- --force ${stage}'`,
  );
