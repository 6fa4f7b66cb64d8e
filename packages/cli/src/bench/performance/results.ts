import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { z } from 'zod';

/** A row of a benchmark, with what it is an entry of and when it was measured. */
const Result = z.object({
  /** Entry of the table: see ENTRIES. */
  entry: z.string(),
  /** ISO 8601 day. */
  date: z.string(),
  /** The command that measures it. */
  command: z.string(),
  machine: z.string(),
  name: z.string(),
  phase: z.enum(['load', 'trace', 'first', 'forward', 'step', 'generate']),
  mode: z.enum(['eager', 'compiled', 'xla']),
  precision: z.enum(['float32', 'bfloat16', 'float16']),
  batch: z.number(),
  threads: z.number(),
  bestMs: z.number(),
  medianMs: z.number(),
  gflops: z.number().nullable(),
  peakRssMiB: z.number(),
  device: z.string(),
});
export type Result = z.infer<typeof Result>;

/** A batch of the growth run that did not fit, and why. */
const Refusal = z.object({
  date: z.string(),
  name: z.string(),
  precision: z.string(),
  batch: z.number(),
  threads: z.number(),
  why: z.string(),
});
export type Refusal = z.infer<typeof Refusal>;

/** All that has been measured. */
const Results = z.object({ results: z.array(Result), refusals: z.array(Refusal) });
export type Results = z.infer<typeof Results>;

/** Read a file of results; none is like an empty one. @throws Error for a file that is not of this form */
export function readResults(file: string): Results {
  if (!existsSync(file)) return { results: [], refusals: [] };
  const parsed = Results.safeParse(JSON.parse(readFileSync(file, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new Error(`bench: ${file} holds no results of this version: ${z.prettifyError(parsed.error)}`);
}

export function writeResults(file: string, results: Results): void {
  writeFileSync(file, `${JSON.stringify(results, null, 2)}\n`);
}

/**
 * What was measured again takes the place of what was known: by entry, configuration and phase. Not by mode: a peer has the
 * fastest of its forms, and another day's may be another.
 */
export function mergeResults(known: Results, fresh: Results): Results {
  const keyOf = ({ entry, name, phase, precision, batch, threads }: Result): string =>
    [entry, name, phase, precision, batch, threads].join(' ');
  const placeOf = ({ name, precision, batch, threads }: Refusal | Result): string =>
    [name, precision, batch, threads].join(' ');
  const again = new Set(fresh.results.map(keyOf));
  // What fitted this time no longer counts as refused, and the other way about.
  const grown = new Set([...fresh.results.filter(({ entry }) => entry === 'growth'), ...fresh.refusals].map(placeOf));
  return {
    results: [
      ...known.results.filter((row) => !again.has(keyOf(row)) && !(row.entry === 'growth' && grown.has(placeOf(row)))),
      ...fresh.results,
    ],
    refusals: [...known.refusals.filter((refusal) => !grown.has(placeOf(refusal))), ...fresh.refusals],
  };
}
