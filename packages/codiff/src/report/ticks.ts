/** How values lie on an axis. */
export type Scale = 'linear' | 'log';

/** An axis: its range, and the values that are named on it, within the range. */
export interface AxisTicks {
  readonly min: number;
  readonly max: number;
  readonly ticks: readonly number[];
}

/** Round steps of a linear axis, times a power of ten. */
const STEPS = [1, 2, 2.5, 5, 10];

/** A linear axis that holds all of a range, with about `count` round values. */
export function linearTicks(low: number, high: number, count = 5): AxisTicks {
  const [min, max] = low < high ? [low, high] : [low - (Math.abs(low) || 1) / 2, low + (Math.abs(low) || 1) / 2];
  const rough = (max - min) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * STEPS.find((factor) => factor * power >= rough * (1 - 1e-9))!;
  const first = Math.ceil(min / step - 1e-9);
  const last = Math.floor(max / step + 1e-9);
  const ticks = Array.from({ length: last - first + 1 }, (_, i) => clean((first + i) * step));
  return { min, max, ticks };
}

/** A logarithmic axis of a positive range: powers of ten, or 1, 2, 5 where the range has few of them. */
export function logTicks(low: number, high: number): AxisTicks {
  const [min, max] = low < high ? [low, high] : [low / 2, low * 2];
  const decades = Math.log10(max / min);
  if (decades < 0.5) return linearTicks(min, max);
  const factors = decades > 2.5 ? [1] : [1, 2, 5];
  const skip = Math.max(1, Math.ceil(decades / 6));
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(min)); power <= Math.log10(max); power++) {
    if (((power % skip) + skip) % skip !== 0) continue;
    for (const factor of factors) {
      const value = clean(factor * 10 ** power);
      if (value >= min && value <= max) ticks.push(value);
    }
  }
  return { min, max, ticks };
}

/** Where a value lies on an axis: 0 at its start, 1 at its end. */
export const position = (value: number, { min, max }: AxisTicks, scale: Scale = 'linear'): number =>
  scale === 'log' ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);

/** A number as a reader wants it: 4 significant digits, no trailing zeros, powers of ten where it is very large or small. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  const size = Math.abs(value);
  if (Number.isInteger(value) && size < 1e7) return String(value);
  if (size !== 0 && (size < 1e-3 || size >= 1e7)) return value.toExponential(2).replace(/\.?0*e\+?/, 'e');
  return String(Number(value.toPrecision(4)));
}

/** Without the last bits of a product: 0.30000000000000004 is 0.3. */
const clean = (value: number): number => Number(value.toPrecision(12));
