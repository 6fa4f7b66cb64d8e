import { isDeepStrictEqual } from 'node:util';
import type { Features, Resampled } from '@codiff/ldm-core';
import { chooseMix } from './choose-mix.js';
import { judgeClaims } from './claims.js';
import { machineLoad, machineWords } from './machine.js';
import { measureMethods } from './measure-methods.js';
import { METHODS, type Method } from './methods.js';
import { scaleOf } from './mix-weight.js';
import { quickPairs, SEED } from './options.js';
import { pairedFrechet } from './paired-metrics.js';
import { type EvidenceRecord, writeRecord } from './record.js';
import type { Session } from './session.js';

/**
 * The table: choose the fixed mix, make and measure the images of every method, judge the claim, and write the record.
 * @param before an earlier record: pictures and ablations of the same weights are kept
 */
export async function runTable(session: Session, before: EvidenceRecord | null): Promise<EvidenceRecord> {
  const { options, opened, pairs, sampling, times, line } = session;
  const load = machineLoad();
  const { grid, weight } = await times.of('images and choice of the fixed mix', () => chooseMix(session));
  const { rows, real, consistency, features, reference, bias, warnings } = await measureMethods(session, weight);
  line.show('resampling the Frechet distances');
  const frechet = await times.of('measuring', async () => resampleFrechet(features, reference));
  const claims = judgeClaims(consistency, frechet, { scale: scaleOf(grid), seed: SEED });
  const sameModel = isDeepStrictEqual([before?.hashes, before?.sampling], [opened.hashes, sampling]);
  const samePictures = sameModel && before?.fixedMix === weight;
  const record: EvidenceRecord = {
    version: 1,
    date: new Date().toISOString().slice(0, 10),
    rows,
    real,
    claims,
    fixedMix: weight,
    grid,
    sampler: 'ddim',
    sampling,
    pairs: {
      test: pairs.test.length,
      validation: pairs.validation.length,
      twice: options.twice,
      reference: pairs.reference.length,
    },
    configs: [options.config],
    hashes: opened.hashes,
    heldOut: options.heldOut,
    quick: { ...quickPairs(options), bias },
    seconds: times.seconds,
    machine: machineWords(),
    load,
    warnings,
    ...(samePictures && before.pictures ? { pictures: before.pictures } : {}),
    ...(sameModel && before?.ablations ? { ablations: before.ablations } : {}),
  };
  await writeRecord(options.json, record);
  line.done(`record                 ${options.json}`);
  return record;
}

/** Frechet distances of all methods, resampled over the same pairs. */
const resampleFrechet = (
  features: Readonly<Record<Method, Features>>,
  reference: Features,
): Readonly<Record<Method, Resampled>> =>
  Object.fromEntries(METHODS.map((method) => [method, pairedFrechet(features[method], reference, SEED)])) as Record<
    Method,
    Resampled
  >;
