import type { Metric } from './record.js';

/** Digits after the point, by what a metric measures. */
const DIGITS: Partial<Record<Metric, number>> = { frechet: 2, kid: 2, diversity: 2 };

/** A number as tables show it. */
export const valueText = (metric: Metric, value: number): string => value.toFixed(DIGITS[metric] ?? 3);

/** A value with its interval. */
export const intervalText = ({
  metric,
  value,
  low,
  high,
}: {
  metric: Metric;
  value: number;
  low: number;
  high: number;
}) => `${valueText(metric, value)} [${valueText(metric, low)}, ${valueText(metric, high)}]`;

/** A difference with its interval, all with their signs. @param digits after the point: of shares one more than a value has */
export function differenceText(
  { difference, low, high }: { readonly difference: number; readonly low: number; readonly high: number },
  digits = 4,
): string {
  const signed = (value: number): string => `${value < 0 ? '' : '+'}${value.toFixed(digits)}`;
  return `${signed(difference)} [${signed(low)}, ${signed(high)}]`;
}

/** A table in Markdown. */
export const markdownTable = (head: readonly string[], rows: readonly (readonly string[])[]): string =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
