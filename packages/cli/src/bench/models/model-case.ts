import type { BenchCase, BenchSpec } from '../case.js';
import { severalBatches } from '../growth/several-batches.js';
import { openBenchModel } from './bench-model.js';
import { forwardCase } from './forward-cases.js';
import { fullStepCase } from './full-step-case.js';
import { generateCase } from './generate-case.js';
import type { ModelBench, ModelSettings } from './settings.js';
import { trainStepCase } from './train-step-case.js';

/** Make a full-size benchmark: weights and inputs by formula, nothing traced yet. */
export async function modelCase(spec: BenchSpec, settings: ModelSettings): Promise<BenchCase> {
  const bench = await openBenchModel(spec.name as ModelBench, settings.config);
  if (bench.bench === 'generate') return generateCase(bench, spec, settings);
  if (spec.batches !== undefined) return severalBatches(bench, spec, spec.batches);
  if (bench.bench !== 'train-step') return forwardCase(bench, spec);
  return settings.full ? fullStepCase(bench, spec, settings) : trainStepCase(bench, spec, settings);
}
