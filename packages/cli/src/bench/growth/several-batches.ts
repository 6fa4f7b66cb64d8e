import type { Params } from '@codiff/ldm-core';
import type { BenchCase, BenchSpec } from '../case.js';
import type { BenchModel } from '../models/bench-model.js';
import { forwardCase } from '../models/forward-cases.js';
import { formulaSource, type Source } from '../models/source.js';

/** One benchmark with several batch sizes that share their weights: each run says which. */
export function severalBatches(bench: BenchModel, spec: BenchSpec, batches: readonly number[]): BenchCase {
  let weights: Params | undefined;
  const formula = formulaSource(spec.precision);
  const source: Source = {
    ...formula,
    weights: (...args) => {
      weights ??= formula.weights(...args);
      return weights;
    },
  };
  const cases = new Map(batches.map((batch) => [batch, forwardCase(bench, { ...spec, batch }, source)]));
  return {
    flops: null,
    run: (called, batch = batches[0]!) => cases.get(batch)!.run(called),
  };
}
