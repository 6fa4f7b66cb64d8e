import type { ProfiledOp } from '@codiff/engine';

const MOST = 10;

/** The kinds of operations, and the single ones, that take the most time, with the bytes they move: two tables. */
export function formatProfile(title: string, ops: readonly ProfiledOp[]): string {
  const total = ops.reduce((sum, { seconds }) => sum + seconds, 0);
  const kinds = new Map<string, { count: number; seconds: number; bytes: number }>();
  for (const { op, seconds, bytes } of ops) {
    const kind = kinds.get(op) ?? { count: 0, seconds: 0, bytes: 0 };
    kinds.set(op, { count: kind.count + 1, seconds: kind.seconds + seconds, bytes: kind.bytes + bytes });
  }
  const cost = ({ seconds, bytes }: { readonly seconds: number; readonly bytes: number }): string[] => [
    (seconds * 1000).toFixed(2),
    ((100 * seconds) / total).toFixed(1),
    (bytes / 2 ** 20).toFixed(1),
    seconds === 0 ? '-' : (bytes / seconds / 1e9).toFixed(1),
  ];
  const bySeconds = (a: { readonly seconds: number }, b: { readonly seconds: number }): number => b.seconds - a.seconds;
  const largest = [...kinds].sort(([, a], [, b]) => bySeconds(a, b)).slice(0, MOST);
  return [
    `${title}: ${ops.length} operations, ${(total * 1000).toFixed(1)} ms in all, some of them at the same time`,
    '',
    table(
      ['operation', 'count', 'ms', '%', 'MiB moved', 'GB/s'],
      largest.map(([op, kind]) => [op, String(kind.count), ...cost(kind)]),
    ),
    '',
    table(
      ['where', 'operation', 'ms', '%', 'MiB moved', 'GB/s'],
      [...ops]
        .sort(bySeconds)
        .slice(0, MOST)
        .map((op) => [op.where || op.node, op.op, ...cost(op)]),
    ),
  ].join('\n');
}

/** Words left, numbers right. */
function table(header: readonly string[], lines: readonly (readonly string[])[]): string {
  const widths = header.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]!.length)));
  const isNumber = header.map((_, i) => lines.every((line) => /^[-\d.]+$/.test(line[i]!)));
  const row = (cells: readonly string[]): string =>
    cells.map((cell, i) => (isNumber[i] ? cell.padStart(widths[i]!) : cell.padEnd(widths[i]!))).join('  ');
  return [header, ...lines].map((cells) => row(cells).trimEnd()).join('\n');
}
