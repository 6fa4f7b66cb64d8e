import type { CaseResult, OutputResult } from '../run/run-case.js';
import type { RunReport } from '../run/run-folder.js';

/** The lines of one case: one for each output, with error and limit, and one that sums it up. */
export function describeCase(result: CaseResult): string {
  const { case: name, kind, mode, ok, failure, outputs, seconds } = result;
  const lines = outputs.map((output) => `${mark(output.ok)} ${name} ${mode} ${describeOutput(output)}`);
  const worst = worstOutput(result);
  const summary =
    failure ??
    `${outputs.filter((output) => output.ok).length} of ${outputs.length} outputs within their limit${
      worst === undefined ? '' : `; closest: ${worst.output}, ${describeError(worst)}`
    }`;
  lines.push(`${ok ? 'PASS' : 'FAIL'} ${name} (${kind}, ${mode}): ${summary} [${seconds.toFixed(1)} s]`);
  return lines.join('\n');
}

/** The last lines of a run. */
export function describeRun({ results, skipped, unselected, ok }: RunReport): string {
  const lines: string[] = [];
  if (skipped.length > 0) lines.push(`skipped, without a config.yaml: ${skipped.join(', ')}`);
  if (unselected.length > 0) lines.push(`left out by --kinds: ${unselected.join(', ')}`);
  const passed = results.filter((result) => result.ok).length;
  lines.push(`${ok ? 'PASS' : 'FAIL'}: ${passed} of ${results.length} runs passed`);
  for (const result of results) if (!result.ok) lines.push(`  FAIL ${result.case} (${result.kind}, ${result.mode})`);
  return lines.join('\n');
}

/** The output that comes nearest to its limit, or is furthest beyond. */
export function worstOutput({ outputs }: CaseResult): OutputResult | undefined {
  return outputs.reduce<OutputResult | undefined>(
    (worst, output) => (worst === undefined || nearness(output) > nearness(worst) ? output : worst),
    undefined,
  );
}

function nearness({ ok, error, limit }: OutputResult): number {
  if (error === undefined) return Number.POSITIVE_INFINITY;
  if (error === 0) return ok ? 0 : Number.MAX_VALUE;
  return limit === 0 ? Number.MAX_VALUE : (error / limit) * (ok ? 1 : 1e6);
}

function describeOutput(output: OutputResult): string {
  const { note } = output;
  return `${output.output}: ${describeError(output)}${note === undefined ? '' : ` (${note})`}`;
}

function describeError({ measure, error, limit }: OutputResult): string {
  return `${measure} ${error === undefined ? 'no error measured' : short(error)}, limit ${short(limit)}`;
}

/** A number in the digits that matter: `0`, `2.1e-7`. */
export function short(value: number): string {
  return value === 0 ? '0' : value.toExponential(1).replace('.0e', 'e');
}

function mark(ok: boolean): string {
  return ok ? 'ok  ' : 'MISS';
}
