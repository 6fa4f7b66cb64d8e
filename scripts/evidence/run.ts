import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { useEngine } from '@codiff/engine';
import { atomicWriteText } from '@codiff/ldm-core/node';
import { watchSignals } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { LineScreen } from '../demo/status-line.js';
import { EvidenceError, EvidenceStopped } from './evidence-error.js';
import { noiseErrors } from './noise-errors.js';
import { noiseTable } from './noise-table.js';
import type { EvidenceOptions } from './options.js';
import { evidencePage } from './page.js';
import { makePictures } from './pictures/make-pictures.js';
import { type EvidenceRecord, readRecord, writeRecord } from './record.js';
import { checkWeights, recordOptions } from './record-options.js';
import { runAblations } from './run-ablations.js';
import { runQuick } from './run-quick.js';
import { runTable } from './run-table.js';
import { openSession, type Session } from './session.js';
import { triedText } from './tried.js';

/**
 * Do what was asked for, from where an earlier run of it stopped.
 * @returns exit code: 1 where a quick run finds another table
 * @throws EvidenceStopped after Ctrl-C, EvidenceError for what the user can mend
 */
export async function runEvidence(options: EvidenceOptions, screen: LineScreen): Promise<number> {
  const { task, json, out, resume } = options;
  if (task === 'page') {
    await writePage(json, readRecord(json));
    screen.write(`page                   ${pagePath(json)}\n`);
    return 0;
  }
  if (resume && !existsSync(join(out, 'run.json'))) {
    throw new EvidenceError(`evidence: ${out} holds no run to go on with; leave --resume out to begin one`);
  }
  const before = task === 'table' && !existsSync(json) ? null : readRecord(json);
  tf.enableProdMode();
  const { branches } = await useEngine({ device: 'cpu', branches: HALVES });
  const requests = watchSignals();
  let session: Session | undefined;
  try {
    const place = { screen, signal: requests.stop, branches };
    session = await openSession(task === 'table' ? options : recordOptions(options, before!), place);
    if (task !== 'table') checkWeights(before!, session);
    if (task === 'quick') return await runQuick(session, before!);
    if (task === 'noise') {
      const faces = session.pairs.test.slice(0, NOISE_FACES);
      session.line.done(noiseTable(await noiseErrors(session, faces)));
      session.line.done(`means over ${faces.length} held-out faces`);
      return 0;
    }
    let record = task === 'table' ? await runTable(session, before) : before!;
    if (task === 'ablations') record = await runAblations(session, record, requests);
    if (task === 'pictures' || (task === 'table' && !hasPictures(record, json))) {
      record = await withPictures(session, record);
    }
    await writePage(json, record);
    session.line.done(`page                   ${pagePath(json)}`);
    return 0;
  } catch (error) {
    if (requests.stop.aborted) throw new EvidenceStopped('evidence: stopped; finished images are kept');
    throw error;
  } finally {
    session?.dispose();
    requests.close();
  }
}

/** Faces that errors of the noise are means over, at most. */
const NOISE_FACES = 200;

/** Of each batch, side by side where there are two cores. */
const HALVES = 2;

/** Whether the pictures of a record are there. */
const hasPictures = ({ pictures = [] }: EvidenceRecord, json: string): boolean =>
  pictures.length > 0 && pictures.every(({ file }) => existsSync(join(dirname(json), file)));

/** The record with its pictures. The edits are tuned anew; the other pictures show images that are there. */
async function withPictures(session: Session, record: EvidenceRecord): Promise<EvidenceRecord> {
  const { times, options } = session;
  const pictures = await times.of('pictures', () => makePictures(session, record.fixedMix, options.tuning));
  const filled = { ...record, pictures, seconds: times.seconds };
  await writeRecord(options.json, filled);
  return filled;
}

/** Where the page lies: beside the record. */
const pagePath = (json: string): string => json.replace(/\.json$/, '.md');

const writePage = (json: string, record: EvidenceRecord): Promise<void> =>
  atomicWriteText(pagePath(json), evidencePage(record, triedText()));
