import type { Features } from '@codiff/ldm-core';
import { EvaluationError, evaluationTable, type Measured, measureImages } from '@codiff/trainer';
import type { ConsistencyOfImages } from './claims.js';
import { EvidenceError } from './evidence-error.js';
import { type MethodMeasures, measureMethod, rowsOf } from './measure-method.js';
import { METHODS, type Method, weighed } from './methods.js';
import { quickPairs, SEED } from './options.js';
import type { EvidenceRow } from './record.js';
import { samplePlans, samplesOf } from './sample-plans.js';
import { methodFolder, type Session } from './session.js';
import { type SmallSampleBias, smallSampleBias } from './small-sample-bias.js';

/** What all methods give. */
export interface AllMeasures {
  readonly rows: readonly EvidenceRow[];
  /** The real drawings of the pairs. */
  readonly real: readonly EvidenceRow<'real'>[];
  readonly consistency: Readonly<Record<Method, ConsistencyOfImages>>;
  /** Of the first samples, one row a pair. */
  readonly features: Readonly<Record<Method, Features>>;
  /** Of the real images that distances are against. */
  readonly reference: Features;
  readonly bias: Readonly<Record<Method, SmallSampleBias>>;
  readonly warnings: readonly string[];
}

/** Features of the real images that distances are against. */
export const measureReference = ({ pairs, networks, signal, options }: Session): Promise<Measured> =>
  measureImages(
    pairs.reference.map((path) => ({ path })),
    { networks, batchSize: options.batchSize, signal },
  );

/** Masks and texts of the pairs against the drawings that they belong to. */
async function measureReal({ pairs, networks, signal, options }: Session): Promise<EvidenceRow<'real'>[]> {
  const entries = pairs.test.map(({ index, face: { image: path, caption, mask } }) => ({
    path,
    condition: index,
    caption,
    ...(mask === undefined ? {} : { mask }),
  }));
  const measured = await measureImages(entries, { networks, batchSize: options.batchSize, signal });
  return rowsOf('real', evaluationTable(measured, undefined, { protocol: 'all', seed: SEED }).rows);
}

/** Make the images of every method, and measure them. @param maskWeight of the fixed mix */
export async function measureMethods(session: Session, maskWeight: number): Promise<AllMeasures> {
  const { options, pairs, networks, signal, times, line } = session;
  const { out, batchSize, twice } = options;
  const images = samplesOf(pairs.test, twice);
  const folderOf = (method: Method) => methodFolder(out, weighed(method, maskWeight));
  const plans = METHODS.map((name) => {
    const method = weighed(name, maskWeight);
    return { method, folder: folderOf(name), what: name, images };
  });
  await times.of('images of the table', () => samplePlans(session, plans));
  return times
    .of('measuring', async () => {
      const reference = await measureReference(session);
      const once = samplesOf(pairs.test, 0);
      const both = samplesOf(pairs.test.slice(0, twice), twice);
      const found: [Method, MethodMeasures<Method>][] = [];
      for (const method of METHODS) {
        line.show(`measuring ${method}`);
        const measuring = { networks, batchSize, reference, seed: SEED, signal };
        found.push([method, await measureMethod(method, folderOf(method), { once, twice: both }, measuring)]);
      }
      const by = <T>(value: (measures: MethodMeasures<Method>) => T) =>
        Object.fromEntries(found.map(([method, measures]) => [method, value(measures)])) as Record<Method, T>;
      return {
        rows: found.flatMap(([, { rows }]) => rows),
        real: await measureReal(session),
        consistency: by(({ consistency }) => consistency),
        features: by(({ measured }) => measured.features),
        reference: reference.features,
        bias: by(({ measured }) => smallSampleBias(measured, reference.features, quickPairs(options).pairs, SEED)),
        warnings: [...new Set(found.flatMap(([, { warnings }]) => warnings))],
      };
    })
    .catch((error: unknown) => {
      if (error instanceof EvaluationError) throw new EvidenceError(`evidence: ${error.message}`);
      throw error;
    });
}
