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
  const { full, ema, config } = settings;
  // What a config trains along, it says itself; averages of weights are asked for here.
  const averages = full ? [`model.params.use_ema=${ema}`] : [];
  const bench = await openBenchModel(spec.name as ModelBench, config, averages);
  if (bench.bench === 'generate') return generateCase(bench, spec, settings);
  if (spec.batches !== undefined) return severalBatches(bench, spec, spec.batches);
  if (bench.bench !== 'train-step') return forwardCase(bench, spec);
  return full ? fullStepCase(bench, spec) : trainStepCase(bench, spec, settings);
}
