import { PEAKS } from '../models/peak-case.js';
import { peerName } from '../models/peer.js';
import { ENTRIES, type Entry } from './entries.js';
import type { Result, Results } from './results.js';

/** The letter by which the page calls a result's machine. */
type LetterOf = (row: Pick<Result, 'machine'>) => string;

const MEASURED: readonly string[] = ['forward', 'step', 'generate'];

/** The page of all results: Markdown. @param plot path of the plot of growth beside the page */
export function performancePage({ results, refusals }: Results, plot: string): string {
  const entries = ENTRIES.filter(({ id }) => results.some(({ entry }) => entry === id));
  const machines = [...new Set(results.map(({ machine }) => machine))];
  const letterOf: LetterOf = ({ machine }) => String.fromCharCode('A'.charCodeAt(0) + machines.indexOf(machine));
  const rows = entries.flatMap((entry) => linesOf(entry, results, letterOf));
  const latest = new Map(
    results
      .filter((row) => isPeak(row) && MEASURED.includes(row.phase))
      .map((row) => [`${row.name} ${row.precision} ${row.machine}`, row]),
  );
  const peaks = [...latest.values()];
  const grown = results.filter(({ entry }) => entry === 'growth');
  return [
    '# Performance',
    '',
    'Made by `npm run bench -- all --peer PYTHON --write docs/performance.md` and `npm run bench -- growth --write docs/performance.md`',
    'from `performance.json` beside it; `--only` measures some entries again. Seconds are best / median. Ours and',
    "PyTorch's runs alternate, and PyTorch has the fastest of its forms and malloc tuned. The ratio is of the medians. The floor is",
    "the arithmetic at the machine's convolution peak, measured in the same run. 'First' is from the start of the engine to",
    'the first result, tracing and optimising included, without making the weights.',
    '',
    ...machines.map((machine) => `Machine ${letterOf({ machine })}: ${machine}.\n`),
    '| what | precision | batch | ours s | PyTorch s | form | ratio | floor s | peak MiB ours | PyTorch | first s | day | machine |',
    '|---|---|---|---|---|---|---|---|---|---|---|---|---|',
    ...rows,
    '',
    ...(peaks.length === 0
      ? []
      : [
          'Peaks, of the latest run:',
          '',
          ...peaks.map((row) => `- ${letterOf(row)}: ${row.name} ${row.precision}: ${digits(row.gflops ?? 0)} GFLOP/s`),
          '',
        ]),
    'Commands:',
    '',
    '```',
    ...[...new Set(results.map(({ command }) => command))],
    '```',
    ...(grown.length + refusals.length === 0 ? [] : ['', ...growthSection(grown, refusals, plot, letterOf)]),
    '',
  ].join('\n');
}

const isPeak = ({ name }: Pick<Result, 'name'>): boolean => (PEAKS as readonly string[]).includes(name);
const seconds = ({ bestMs, medianMs }: Result): string => `${digits(bestMs / 1000)} / ${digits(medianMs / 1000)}`;
const digits = (value: number): string => (value >= 100 ? value.toFixed(0) : value.toPrecision(3));

/** A line for each precision and batch of an entry. */
function linesOf({ id, title, bench }: Entry, results: readonly Result[], letterOf: LetterOf): string[] {
  const own = results.filter(({ entry }) => entry === id);
  const same = (a: Result) => (b: Result) =>
    a.precision === b.precision && a.batch === b.batch && a.threads === b.threads;
  return own
    .filter((row) => row.name === bench && MEASURED.includes(row.phase))
    .map((row) => {
      const alike = own.filter(same(row));
      const peer = alike.find(({ name, phase }) => name === peerName(bench) && MEASURED.includes(phase));
      const peaks = own.filter((other) => isPeak(other) && other.precision === row.precision && other.gflops !== null);
      const peak = Math.max(0, ...peaks.filter(({ name }) => name === 'peak-convolution').map(({ gflops }) => gflops!));
      const flops = row.gflops === null ? null : row.gflops * row.bestMs * 1e6;
      const single = (phase: string): number =>
        alike.find((other) => other.name === bench && other.phase === phase)?.bestMs ?? Number.NaN;
      const first = (single('load') + single('first')) / 1000;
      const cells = [
        ...[title, row.precision, String(row.batch), seconds(row)],
        ...(peer
          ? [seconds(peer), formOf(peer), `**${(peer.medianMs / row.medianMs).toFixed(2)}**`]
          : ['not measured', '-', '-']),
        flops === null || peak === 0 ? '-' : digits(flops / peak / 1e9),
        row.peakRssMiB.toFixed(0),
        peer ? peer.peakRssMiB.toFixed(0) : '-',
        Number.isNaN(first) ? '-' : digits(first),
        row.date,
        letterOf(row),
      ];
      return `| ${cells.join(' | ')} |`;
    });
}

/** `cpu, PyTorch 2.15.0 channels_last` -> `channels_last`. */
const formOf = ({ device }: Result): string => device.split(' ').at(-1)!;

function growthSection(
  grown: readonly Result[],
  refusals: Results['refusals'],
  plot: string,
  letterOf: LetterOf,
): string[] {
  const perImage = (row: Result): number => row.medianMs / row.batch;
  const lines = grown.map((row) => {
    const one = grown.find(
      (other) =>
        other.batch === 1 &&
        other.name === row.name &&
        other.precision === row.precision &&
        other.threads === row.threads,
    );
    const relative = one === undefined ? '-' : (perImage(row) / perImage(one)).toFixed(3);
    const what = [row.name, row.precision, row.threads, row.batch];
    const cells = [...what, digits(perImage(row) / 1000), relative, row.date, letterOf(row)];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '## Growth',
    '',
    'Time per image of larger batches, medians of one interleaved run, relative to batch 1.',
    '',
    `![Time per image relative to batch 1](${plot})`,
    '',
    '| what | precision | threads | batch | s per image | relative | day | machine |',
    '|---|---|---|---|---|---|---|---|',
    ...lines,
    ...refusals.map(
      ({ name, precision, threads, batch, why, date }) =>
        `| ${name} | ${precision} | ${threads} | ${batch} | exceeds memory: ${why} | - | ${date} | - |`,
    ),
  ];
}
