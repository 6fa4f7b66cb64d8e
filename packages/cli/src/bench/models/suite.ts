import type { ProfiledOp } from '@codiff/engine';
import { BenchChild } from '../bench-child.js';
import type { BenchSpec } from '../case.js';
import type { BenchRow } from '../row.js';
import { Bench, type RunOptions, runTogether } from '../run.js';
import { openBenchModel } from './bench-model.js';
import { differenceOf } from './compare.js';
import { PEAKS } from './peak-case.js';
import { Peer, peerName } from './peer.js';
import { peerSpec } from './peer-spec.js';
import { DEFAULT_CONFIGS, MODEL_BENCHES, type ModelBench, type ModelSettings } from './settings.js';

/** What the command says about full-size benchmarks. */
export interface SuiteOptions extends RunOptions, Omit<ModelSettings, 'config'> {
  /** Absent: each benchmark's own. */
  readonly config?: string | undefined;
  readonly precisions: readonly BenchRow['precision'][];
  readonly batches: readonly number[];
  readonly threads: number;
  readonly device?: string | undefined;
  /** A Python interpreter with PyTorch; absent: no peer. */
  readonly peer?: string | undefined;
  /** Forms that the peer tries, of PEER_FORMS. */
  readonly peerForms: readonly string[];
}

/** Whether a name is that of a full-size benchmark. */
export const isModelBench = (what: string): what is ModelBench => (MODEL_BENCHES as readonly string[]).includes(what);

/** Measure the machine's peaks, then one benchmark in each precision, in turn with the peer if there is one. */
export async function runModelBench(what: ModelBench, options: SuiteOptions): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const precision of options.precisions) rows.push(...(await runPeaks(precision, options)));
  for (const precision of options.precisions) rows.push(...(await runBench(what, precision, options)));
  return rows;
}

/** Where the time of one benchmark goes, in a process of its own. */
export async function profileBench(
  name: ModelBench,
  precision: BenchRow['precision'],
  options: SuiteOptions,
): Promise<readonly ProfiledOp[]> {
  const child = new BenchChild(name);
  try {
    const spec = { ...specOf(name, precision, options.batches[0]!, options), model: modelSettings(name, options) };
    await child.ask({ kind: 'open', spec }, 'opened');
    return (await child.ask({ kind: 'profile' }, 'profiled')).ops;
  } finally {
    child.kill();
  }
}

function modelSettings(name: ModelBench, options: SuiteOptions): ModelSettings {
  const { config, recompute, full, ema, optimizer, steps } = options;
  return { config: config ?? DEFAULT_CONFIGS[name], recompute, full, ema, optimizer, steps };
}

/** The machine's peaks in one precision. */
export function runPeaks(precision: BenchRow['precision'], options: SuiteOptions): Promise<BenchRow[]> {
  return runTogether(
    PEAKS.map((name) => new Bench(specOf(name, precision, 1, options))),
    options,
  );
}

/** All batches of one benchmark and precision, in one interleaved run. */
export async function runBench(
  name: ModelBench,
  precision: BenchRow['precision'],
  options: SuiteOptions,
): Promise<BenchRow[]> {
  const { threads, peer, peerForms: forms, log } = options;
  const model = modelSettings(name, options);
  const specs = options.batches.map((batch): BenchSpec => ({ ...specOf(name, precision, batch, options), model }));
  const ours = specs.map((spec) => new Bench(spec));
  if (peer === undefined) return runTogether(ours, options);
  const bench = await openBenchModel(name, model.config);
  const theirs = specs.map((spec) => new Peer(peer, spec, peerSpec(bench, spec, model, { threads, forms }), threads));
  return runTogether([...ours, ...theirs], options, (probes) => {
    for (const [i, spec] of specs.entries()) {
      const mine = probes[i]!;
      if (mine.length === 0) continue;
      const difference = differenceOf(mine, probes[ours.length + i]!, precision);
      log(
        `${name} ${precision}, batch ${spec.batch}: results differ by ${difference.toExponential(1)} of the greatest`,
      );
    }
  });
}

function specOf(
  name: string,
  precision: BenchRow['precision'],
  batch: number,
  { threads, device }: SuiteOptions,
): BenchSpec {
  const phase = name === 'generate' ? 'generate' : name === 'train-step' ? 'step' : 'forward';
  return { name, phase, mode: 'compiled', precision, batch, threads, ...(device === undefined ? {} : { device }) };
}

/** Ratios to the peer and shares of the machine's peaks, one line each. */
export function modelRatios(rows: readonly BenchRow[]): string[] {
  const measured = rows.filter(({ phase }) => phase === 'forward' || phase === 'step' || phase === 'generate');
  const peakOf = (precision: string): number =>
    Math.max(...measured.filter((row) => isPeak(row) && row.precision === precision).map((row) => row.gflops ?? 0));
  return measured.flatMap((row) => {
    const theirs = measured.find(
      (other) => other.name === peerName(row.name) && other.precision === row.precision && other.batch === row.batch,
    );
    const share = row.gflops === null || isPeak(row) ? null : row.gflops / peakOf(row.precision);
    const parts = [
      ...(theirs
        ? [
            `${(theirs.bestMs / row.bestMs).toFixed(2)}x as fast as the peer by the best, ` +
              `${(theirs.medianMs / row.medianMs).toFixed(2)}x by the median`,
          ]
        : []),
      ...(share === null ? [] : [`${(100 * share).toFixed(0)} % of the greatest peak`]),
    ];
    return parts.length === 0 ? [] : [`${row.name} ${row.precision}, batch ${row.batch}: ${parts.join(', ')}`];
  });
}

const isPeak = ({ name }: BenchRow): boolean => (PEAKS as readonly string[]).includes(name);
