import { blockCase } from './block.js';
import type { BenchCase, BenchSpec } from './case.js';
import { modelCase } from './models/model-case.js';
import { PEAKS, peakCase } from './models/peak-case.js';
import { opCase, opNames } from './op-cases.js';

/** Benchmarks that `npm run bench` knows, with what each stands for. */
export const SUITES: Readonly<Record<string, readonly string[]>> = {
  block: ['block-64', 'block-192'],
  'block-64': ['block-64'],
  'block-192': ['block-192'],
  ops: opNames,
};

/** Make the benchmark of a name. @throws Error for a name that no suite has */
export async function makeCase(spec: BenchSpec): Promise<BenchCase> {
  if (spec.model !== undefined) return modelCase(spec, spec.model);
  if ((PEAKS as readonly string[]).includes(spec.name)) return peakCase(spec);
  const block = /^block-(\d+)$/.exec(spec.name);
  return block === null ? opCase(spec) : blockCase(Number(block[1]), spec);
}
