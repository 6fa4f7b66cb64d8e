import type { EvaluationRow, ProtocolName } from '@codiff/trainer';

/** Digits after the point, by what a metric measures. */
const DIGITS: Partial<Record<EvaluationRow['metric'], number>> = { frechet: 3, kid: 5, diversity: 3 };

/** Rows as a table of text: a line a metric, a column a protocol. */
export function tableText(rows: readonly EvaluationRow[]): string {
  const protocols = [...new Set(rows.map(({ protocol }) => protocol))];
  const metrics = [...new Set(rows.map(({ metric }) => metric))];
  const cell = (metric: EvaluationRow['metric'], protocol: ProtocolName): string => {
    const row = rows.find((each) => each.metric === metric && each.protocol === protocol);
    if (row === undefined) return '-';
    const digits = DIGITS[metric] ?? 4;
    return `${row.value.toFixed(digits)} [${row.low.toFixed(digits)}, ${row.high.toFixed(digits)}]`;
  };
  const sizes = protocols.map((protocol) => {
    const n = Math.max(...rows.filter((row) => row.protocol === protocol).map((row) => row.n));
    return `${protocol} (${n} images)`;
  });
  const lines = [
    ['metric', ...sizes],
    ...metrics.map((metric) => [metric, ...protocols.map((protocol) => cell(metric, protocol))]),
  ];
  const widths = lines[0]!.map((_, column) => Math.max(...lines.map((line) => line[column]!.length)));
  return lines
    .map((line) =>
      line
        .map((text, i) => text.padEnd(widths[i]!))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}
