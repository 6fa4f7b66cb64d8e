import type { CaseResult } from '../run/run-case.js';
import type { RunReport } from '../run/run-folder.js';
import { short, worstOutput } from './text.js';

const BEGIN = '<!-- parity:begin (written by `npm run parity -- DIR --write`; do not edit) -->';
const END = '<!-- parity:end -->';

/**
 * Put the table of errors between the markers of a README; everything outside them stays.
 *
 * @param readme the file's text
 * @param heading what was run: date, backend and version
 * @throws Error if the markers are missing
 */
export function writeTable(readme: string, report: RunReport, heading: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin < 0 || end < begin) throw new Error(`the README lacks the lines ${BEGIN} and ${END}`);
  const table = [BEGIN, '', ...tableOf(report, heading), '', ''].join('\n');
  return readme.slice(0, begin) + table + readme.slice(end);
}

/** The table's lines: for each case the output that came nearest to its limit, in each mode. */
function tableOf({ results, skipped, ok }: RunReport, heading: string): string[] {
  const modes = [...new Set(results.map(({ mode }) => mode))].filter((mode) => mode !== 'data');
  const rows = new Map<string, CaseResult[]>();
  for (const result of results) rows.set(result.case, [...(rows.get(result.case) ?? []), result]);
  const head = ['case', 'kind', 'outputs', ...modes.map((mode) => `${mode}: nearest to its limit`), 'limit'];
  const lines = [
    `${heading}: ${ok ? 'every case within its limits' : 'NOT every case within its limits'}.`,
    '',
    `| ${head.join(' | ')} |`,
    `|${head.map(() => '---|').join('')}`,
  ];
  for (const [name, runs] of rows) {
    const first = runs[0]!;
    const cells = modes.map((mode) => cell(runs.find((run) => run.mode === mode || run.mode === 'data')));
    const limits = [...new Set(runs.map((run) => limitOf(run)))].join(', ');
    lines.push(`| ${[name, first.kind, first.outputs.length, ...cells, limits].join(' | ')} |`);
  }
  if (skipped.length > 0) lines.push('', `Folders without a \`config.yaml\`: ${skipped.join(', ')}.`);
  return lines;
}

function cell(result: CaseResult | undefined): string {
  if (result === undefined) return '';
  if (result.failure !== undefined) return `FAIL: ${result.failure.replaceAll('|', '\\|')}`;
  const worst = worstOutput(result);
  if (worst === undefined) return 'FAIL: no output';
  const error = worst.error === undefined ? 'no error measured' : short(worst.error);
  return `${result.ok ? '' : 'FAIL: '}${error} (\`${worst.output}\`, ${worst.measure})`;
}

function limitOf(result: CaseResult): string {
  const worst = worstOutput(result);
  return worst === undefined ? '' : short(worst.limit);
}
