import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { atomicWrite, atomicWriteText } from '@codiff/ldm-core/node';
import { encodePng, type ImageEntry } from '@codiff/trainer';
import { EvidenceError } from './evidence-error.js';
import type { MethodSamplers, Sampling, WantedImage } from './method-samplers.js';
import type { WeighedMethod } from './methods.js';
import type { Pair } from './pairs.js';
import type { WorkLeft } from './work-left.js';

/** One image of a plan. */
export interface PlannedImage {
  readonly pair: Pair;
  /** Number of the sample of its pair. */
  readonly sample: number;
}

/** What decides the images of a run besides pair, sample and method. */
export interface RunRecord {
  readonly sampler: 'ddim';
  readonly sampling: Sampling;
  /** Where it is not float32. */
  readonly precision?: 'bfloat16';
  readonly configs: readonly string[];
  /** SHA-256 of the weights by file. */
  readonly hashes: Readonly<Record<string, string>>;
}

const RECORD = 'run.json';

/**
 * Make a run's folder, or go on with that of the same run.
 * @param force throw away what an earlier run has left
 * @throws EvidenceError where it holds something else, or images of other weights or settings
 */
export async function claimFolder(folder: string, record: RunRecord, force: boolean): Promise<void> {
  const path = join(folder, RECORD);
  const held = existsSync(folder) ? (await readdir(folder)).filter((name) => !name.startsWith('.')) : [];
  if (held.length > 0 && !held.includes(RECORD)) {
    throw new EvidenceError(
      `evidence: ${folder} holds ${held[0]} and no ${RECORD}, so it is no run's; name another folder with --out`,
    );
  }
  if (force) await rm(folder, { recursive: true, force: true });
  if (existsSync(path)) {
    if (isDeepStrictEqual(JSON.parse(await readFile(path, 'utf8')), record)) return;
    throw new EvidenceError(
      `evidence: ${folder} holds images of other weights or settings (${RECORD} tells which); begin anew with --force, or name another folder with --out`,
    );
  }
  await mkdir(folder, { recursive: true });
  await atomicWriteText(path, `${JSON.stringify(record, null, 1)}\n`);
}

/** Path of an image. @param folder the method's */
export const imagePath = (folder: string, { pair, sample }: PlannedImage): string =>
  join(folder, `${pair.face.stem}_${sample}.png`);

/** Those of a plan that are not there, in batches of one size: a batch of which any image is missing is sampled as a whole. */
export function missingBatches(folder: string, plan: readonly PlannedImage[], size: number): PlannedImage[][] {
  const batches: PlannedImage[][] = [];
  for (let from = 0; from < plan.length; from += size) {
    const batch = plan.slice(from, from + size);
    if (batch.some((image) => !existsSync(imagePath(folder, image)))) batches.push(batch);
  }
  return batches;
}

/** What {@link fillFolder} is told. */
export interface FillOptions {
  readonly folder: string;
  readonly method: WeighedMethod;
  readonly batches: readonly (readonly PlannedImage[])[];
  readonly sampling: Sampling;
  /** For the progress line. */
  readonly what: string;
  /** Units of {@link WorkLeft} that a step of one image takes. */
  readonly cost: number;
  readonly work: WorkLeft;
  readonly signal: AbortSignal;
}

/**
 * Make batches of images. Each is written whole or not at all, so that a stopped run goes on.
 * @throws the signal's reason once it is aborted, at the next step
 */
export async function fillFolder(samplers: MethodSamplers, options: FillOptions): Promise<void> {
  const { folder, method, batches, sampling, what, cost, work, signal } = options;
  await mkdir(folder, { recursive: true });
  for (const batch of batches) {
    const images = await samplers.sample(method, batch.map(wantedImage), sampling, {
      signal,
      onStep: () => work.did(cost * batch.length, what),
    });
    for (const [i, image] of batch.entries()) {
      if (existsSync(imagePath(folder, image))) continue;
      const { values, width, height } = images[i]!;
      const png = await encodePng({ values, width, height, channels: 3 });
      await atomicWrite(imagePath(folder, image), (sink) => sink.write(png));
    }
  }
}

/** @throws EvidenceError for a face without a mask */
function wantedImage({ pair: { index, face }, sample }: PlannedImage): WantedImage {
  if (face.condition === undefined) throw new EvidenceError(`evidence: ${face.image} has no mask`);
  return { pair: index, sample, caption: face.caption, condition: face.condition };
}

/** The images of a plan, with what they are to show. */
export const entriesOf = (folder: string, plan: readonly PlannedImage[]): ImageEntry[] =>
  plan.map((image) => {
    const { index, face } = image.pair;
    return {
      path: imagePath(folder, image),
      condition: index,
      caption: face.caption,
      ...(face.mask === undefined ? {} : { mask: face.mask }),
    };
  });
