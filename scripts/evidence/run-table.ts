import { isDeepStrictEqual } from 'node:util';
import { chooseMix } from './choose-mix.js';
import { judgeClaims } from './claims.js';
import { machineLoad, machineWords } from './machine.js';
import { measureMethods } from './measure-methods.js';
import { scaleOf } from './mix-weight.js';
import { quickPairs, SEED } from './options.js';
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
  const { rows, real, consistency, bias, warnings } = await measureMethods(session, weight);
  const claims = judgeClaims(consistency, rows, { scale: scaleOf(grid), seed: SEED });
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
