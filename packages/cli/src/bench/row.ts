/** One line of every benchmark's JSON. */
export interface BenchRow {
  readonly name: string;
  /** What was timed: opening the library, tracing, the first call, or the measured phase itself. */
  readonly phase: 'load' | 'trace' | 'first' | 'forward' | 'step' | 'generate';
  /**
   * `eager`: plain tfjs ops one by one, on the engine without our kernels for norms and attention; `compiled`: our ops in one
   * TensorFlow function; `xla`: the same through XLA.
   */
  readonly mode: 'eager' | 'compiled' | 'xla';
  readonly precision: 'float32' | 'bfloat16' | 'float16';
  readonly batch: number;
  readonly threads: number;
  readonly bestMs: number;
  readonly medianMs: number;
  /** Arithmetic of the measured phase over the best time; null where it has no meaning. */
  readonly gflops: number | null;
  readonly peakRssMiB: number;
  readonly device: string;
}

/** Best and median of a list of times. */
export function summarize(times: readonly number[]): { bestMs: number; medianMs: number } {
  const sorted = [...times].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  const medianMs = sorted.length % 2 === 1 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
  return { bestMs: sorted[0]!, medianMs };
}

/** The rows as an aligned table; batch size and threads where they differ. */
export function formatRows(rows: readonly BenchRow[]): string {
  const varied = (['batch', 'threads'] as const).filter((field) => new Set(rows.map((row) => row[field])).size > 1);
  const header = ['name', 'phase', 'mode', 'precision', ...varied, 'best ms', 'median ms', 'GFLOP/s', 'peak MiB'];
  const number = (value: number | null, digits: number): string => (value === null ? '-' : value.toFixed(digits));
  const lines = rows.map((row) => {
    const digits = row.bestMs < 1 ? 4 : 1;
    const times = [number(row.bestMs, digits), number(row.medianMs, digits)];
    const what = [row.name, row.phase, row.mode, row.precision, ...varied.map((field) => String(row[field]))];
    return [...what, ...times, number(row.gflops, 0), number(row.peakRssMiB, 0)];
  });
  const widths = header.map((title, i) => Math.max(title.length, ...lines.map((line) => line[i]!.length)));
  const line = (cells: readonly string[]): string =>
    cells.map((cell, i) => (i < 4 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ');
  return [header, ...lines].map(line).join('\n');
}
