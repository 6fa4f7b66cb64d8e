import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { dirname, join } from 'node:path';
import { growthPlot } from '../growth/plot.js';
import { growthPoints } from '../growth/points.js';
import { type GrowthOptions, runGrowth } from '../growth/run-growth.js';
import { runBench, runPeaks, type SuiteOptions } from '../models/suite.js';
import type { BenchRow } from '../row.js';
import { ENTRIES, type Entry } from './entries.js';
import { performancePage } from './page.js';
import { mergeResults, type Result, type Results, readResults, writeResults } from './results.js';

/** What stays the same for all results of one run. */
interface Stamp {
  readonly date: string;
  readonly machine: string;
}

/** Today, and this machine. */
export function stamp(now = new Date()): Stamp {
  const processor = cpus()[0]?.model.replace(/\s+/g, ' ').trim() ?? 'unknown processor';
  return {
    date: now.toISOString().slice(0, 10),
    machine: `${processor}, ${cpus().length} cores, Node ${process.versions.node}`,
  };
}

/**
 * Measure the entries of the table, in every precision, with the machine's peaks before each precision. Where there is a page each
 * entry is kept when it is done, so that a run that is stopped has lost only the one under way.
 * @param page Markdown file; results lie beside it as JSON
 */
export async function measureTable(
  page: string | undefined,
  options: SuiteOptions,
  wanted: (entry: Entry) => boolean,
): Promise<BenchRow[]> {
  const all: BenchRow[] = [];
  for (const precision of options.precisions) {
    const peaks = await runPeaks(precision, options);
    all.push(...peaks);
    for (const entry of ENTRIES.filter(wanted)) {
      const { id, bench, settings, mostRuns = options.runs } = entry;
      const own = { ...options, ...settings, runs: Math.min(options.runs, mostRuns) };
      const rows = await runBench(bench, precision, own);
      all.push(...rows);
      if (page === undefined) continue;
      const common = { ...stamp(), entry: id, command: commandOf(entry, options) };
      keep(page, { results: [...peaks, ...rows].map((row): Result => ({ ...common, ...row })), refusals: [] });
      options.log(`${id} ${precision}: kept in ${resultsFile(page)}`);
    }
  }
  return all;
}

/** Measure the growth of a benchmark, and keep it where there is a page. */
export async function measureGrowth(page: string | undefined, options: GrowthOptions): Promise<BenchRow[]> {
  const { rows, tooLarge } = await runGrowth(options);
  if (page !== undefined) {
    const { date, machine } = stamp();
    const { name, precision, batches, threads, model } = options;
    const flags = `--only ${name} --precision ${precision} --batch ${batches.join(',')} --threads ${threads.join(',')}`;
    const command = `npm run bench -- growth ${flags} --config ${model.config}`;
    keep(page, {
      results: rows.map((row): Result => ({ date, machine, entry: 'growth', command, ...row })),
      refusals: tooLarge.map((refusal) => ({ ...refusal, date, name, precision })),
    });
  }
  return rows;
}

/** The command that measures one entry. */
function commandOf({ bench, flags }: Entry, { config, peer }: SuiteOptions): string {
  const more = [...flags, ...(config === undefined ? [] : ['--config', config]), ...(peer ? ['--peer', 'PYTHON'] : [])];
  return ['npm run bench --', bench, ...more].join(' ');
}

const resultsFile = (page: string): string => page.replace(/(\.md)?$/, '.json');
const plotFile = (page: string): string => page.replace(/(\.md)?$/, '-growth.svg');

/** Merge results into the file beside the page, and write page and plot anew. */
export function keep(page: string, fresh: Results): void {
  const merged = mergeResults(readResults(resultsFile(page)), fresh);
  writeResults(resultsFile(page), merged);
  const grown = merged.results.filter(({ entry }) => entry === 'growth');
  const plot = plotFile(page);
  if (grown.length > 0) writeFileSync(plot, growthPlot(growthPoints(grown)));
  writeFileSync(page, performancePage(merged, plot.slice(join(dirname(page), '/').length)));
}
