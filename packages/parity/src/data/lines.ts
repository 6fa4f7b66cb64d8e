import type { OutputResult } from '../run/run-case.js';

/** A line of the report for two things that must be equal. */
export function same(output: string, ours: unknown, theirs: unknown): OutputResult {
  const [got, wanted] = [JSON.stringify(ours), JSON.stringify(theirs)];
  const ok = got === wanted;
  const base = { output, measure: 'exact', ok, error: ok ? 0 : 1, limit: 0 };
  return ok ? base : { ...base, note: `${cut(got)} instead of ${cut(wanted)}` };
}

/** A line for a set of names that must be equal: how many are missing or unexpected, and which. */
export function sameNames(output: string, ours: Iterable<string>, theirs: Iterable<string>): OutputResult {
  const [got, wanted] = [new Set(ours), new Set(theirs)];
  const missing = [...wanted].filter((name) => !got.has(name));
  const unexpected = [...got].filter((name) => !wanted.has(name));
  const error = missing.length + unexpected.length;
  const base = { output, measure: 'exact', ok: error === 0, error, limit: 0 };
  return error === 0 ? base : { ...base, note: `missing: ${some(missing)}; unexpected: ${some(unexpected)}` };
}

function some(names: readonly string[]): string {
  if (names.length === 0) return 'none';
  return names.slice(0, 5).join(', ') + (names.length > 5 ? ` and ${names.length - 5} more` : '');
}

function cut(text: string | undefined): string {
  return text === undefined ? 'nothing' : text.length > 160 ? `${text.slice(0, 157)}...` : text;
}
