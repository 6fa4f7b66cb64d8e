import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { type Resampled, resampledDifference } from '@codiff/ldm-core';
import type { Requests } from '@codiff/trainer';
import { DRAWINGS, drawDrawings } from '../pretrain/drawings.js';
import { machineLoad, machineWords } from './machine.js';
import { measureMethod } from './measure-method.js';
import { measureReference } from './measure-methods.js';
import { MethodSamplers } from './method-samplers.js';
import { weighed } from './methods.js';
import { openModel } from './open-model.js';
import { SEED } from './options.js';
import { PAIRED_METRICS, type PairedMetric, pairedMetrics } from './paired-metrics.js';
import {
  type AblationDifference,
  type AblationRun,
  type EvidenceRecord,
  type EvidenceRow,
  writeRecord,
} from './record.js';
import { samplePlans, samplesOf } from './sample-plans.js';
import { methodFolder, type Session } from './session.js';
import { trainVariant, type Variant } from './train-ablation.js';

/** Where the configs of ablations are; each is read over that of the table. */
const CONFIGS = 'configs/ablations';
/** Pairs that an ablation is measured on, at most. */
const PAIRS = 200;
/** The variant without an ablation, trained like the others. */
const CONTROL = 'control';
/** The model of the table, in the ablations' table. */
const SHIPPED = 'collaborative';

/** The control, then the ablations by name. @param config of the table */
export function variantsOf(root: string, config: string): Variant[] {
  const files = readdirSync(join(root, CONFIGS)).filter((name) => name.endsWith('.yaml'));
  const ablations = files.sort().map((file) => ({
    name: file.replace(/\.yaml$/, ''),
    configs: [config, `${CONFIGS}/${file}`],
  }));
  return [{ name: CONTROL, configs: [config] }, ...ablations];
}

/**
 * Train and measure every variant, and add them to the record.
 * @returns the record with the table of ablations
 */
export async function runAblations(
  session: Session,
  record: EvidenceRecord,
  requests: Requests,
): Promise<EvidenceRecord> {
  const { options, pairs, networks, signal, branches, times, line } = session;
  const { root, out, config, trainSteps, trainSeconds, batchSize, json } = options;
  const loadBefore = machineLoad();
  const variants = variantsOf(root, config);
  const folderOf = (name: string) => join(out, 'ablations', `${name}-${trainSteps}`);
  await drawTraining(session);
  const method = weighed(SHIPPED, 0.5);
  const runs: AblationRun[] = [];
  const images = samplesOf(pairs.test.slice(0, PAIRS), 0);
  for (const variant of variants) {
    const { name, configs } = variant;
    const training = { steps: trainSteps, maxSeconds: trainSeconds, root, line, requests, times };
    const trained = await trainVariant(variant, { folder: folderOf(name), ...training });
    const { steps, seconds } = trained;
    runs.push({ name, config: configs.at(-1)!, steps, seconds });
    signal.throwIfAborted();
    const opened = await openModel({ root, configs, weights: trained.checkpoint });
    const samplers = new MethodSamplers(opened, batchSize, { parts: branches, precision: options.precision });
    try {
      const plan = { folder: join(folderOf(name), 'images'), what: name, method, images };
      await times.of('images of the ablations', () => samplePlans(session, [plan], { samplers }));
    } finally {
      samplers.dispose();
      opened.params.dispose();
    }
  }
  const own = methodFolder(out, method);
  await samplePlans(session, [{ folder: own, what: SHIPPED, method, images }]);
  runs.push({ name: SHIPPED, config: null, steps: null, seconds: null });
  const reference = await measureReference(session);
  const rows: EvidenceRow<string>[] = [];
  const resamples = new Map<string, Readonly<Record<PairedMetric, Resampled>>>();
  for (const { name, config: trained } of runs) {
    line.show(`measuring ${name}`);
    const folder = trained === null ? own : join(folderOf(name), 'images');
    const measuring = { networks, batchSize, reference, seed: SEED, signal };
    const found = await measureMethod(name, folder, { once: images, twice: [] }, measuring);
    rows.push(...found.rows);
    resamples.set(name, pairedMetrics(found.measured, reference.features, SEED));
  }
  const differences = differencesFrom(CONTROL, resamples);
  // Of a run that only measures what is trained already, the machine is that of the training.
  const earlier = isDeepStrictEqual(record.ablations?.runs, runs) ? record.ablations : undefined;
  const { machine, load } = earlier ?? { machine: machineWords(), load: loadBefore };
  const ablations = { runs, rows, differences, machine, load };
  const filled = { ...record, seconds: times.seconds, ablations };
  await writeRecord(json, filled);
  return filled;
}

/** What every variant but the control gives more than it. @param resamples of all, by the same draws */
export function differencesFrom(
  control: string,
  resamples: ReadonlyMap<string, Readonly<Record<PairedMetric, Resampled>>>,
): AblationDifference[] {
  const of = resamples.get(control)!;
  return [...resamples].flatMap(([name, own]) =>
    name === control
      ? []
      : PAIRED_METRICS.map((metric): AblationDifference => {
          const { value, low, high, n } = resampledDifference(own[metric], of[metric]);
          return { name, metric, difference: value, low, high, n };
        }),
  );
}

/** Draw the faces that the shipped weights were trained on, where the config of the table reads them and they are not there. */
async function drawTraining({ options: { root, config }, line }: Session): Promise<void> {
  if (!readFileSync(join(root, config), 'utf8').includes(DRAWINGS.root)) return;
  await drawDrawings(root, (done) => line.show(`faces     ${done} of ${DRAWINGS.faces} drawn for training`));
}
