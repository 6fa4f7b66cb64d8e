import { EvidenceError } from './evidence-error.js';
import type { EvidenceOptions } from './options.js';
import type { EvidenceRecord } from './record.js';
import type { Session } from './session.js';

/**
 * The options of a task that follows a record: faces, pairs and steps are those that it says, of a quick run fewer pairs.
 * @throws EvidenceError where the record is of another config
 */
export function recordOptions(options: EvidenceOptions, record: EvidenceRecord): EvidenceOptions {
  const { quick, heldOut, sampling, configs, pairs } = record;
  if (configs.join() !== options.config) {
    throw new EvidenceError(
      `evidence: ${options.json} is of ${configs.join()}, not of ${options.config}; give that as --config`,
    );
  }
  const { steps } = sampling;
  if (options.task === 'quick') {
    return { ...options, pairs: quick.pairs, twice: quick.twice, validation: 0, steps, heldOut };
  }
  return { ...options, pairs: pairs.test, twice: pairs.twice, validation: pairs.validation, steps, heldOut };
}

/** See that a record is of these weights. @throws EvidenceError */
export function checkWeights(full: EvidenceRecord, { opened, options }: Pick<Session, 'opened' | 'options'>): void {
  const differing = Object.keys({ ...full.hashes, ...opened.hashes }).filter(
    (file) => full.hashes[file] !== opened.hashes[file],
  );
  if (differing.length > 0) {
    throw new EvidenceError(
      `evidence: ${options.json} is of other weights (${differing.join(', ')}); make it anew with 'npm run evidence'`,
    );
  }
}
