import { type HostTensor, sizeOf } from '../cases/host-tensor.js';
import type { Tolerance } from './tolerance.js';

/** How one output compared with the original's. */
export interface Comparison {
  readonly ok: boolean;
  /** The error in the measure's own unit; absent where shapes differ or a value is not finite. */
  readonly error?: number;
  /** What the error may be at most, in the same unit. */
  readonly limit: number;
  /** Why it failed, or what the number alone does not say. */
  readonly note?: string;
}

/**
 * Compare a computed tensor with the original's under one rule. Shapes must be equal; NaN and infinity fail on either
 * side; the element type does not matter.
 */
export function compare(computed: HostTensor, reference: HostTensor, tolerance: Tolerance): Comparison {
  const limit = tolerance.measure === 'exact' ? 0 : tolerance.limit;
  if (computed.shape.join() !== reference.shape.join()) {
    return { ok: false, limit, note: `shape [${computed.shape}] instead of [${reference.shape}]` };
  }
  const y = computed.values;
  const ref = reference.values;
  const size = sizeOf(reference.shape);
  if (y.length !== size) return { ok: false, limit, note: `${y.length} elements for shape [${computed.shape}]` };
  for (let i = 0; i < size; i++) {
    if (!Number.isFinite(y[i])) return { ok: false, limit, note: `element ${i} is ${y[i]}` };
    if (!Number.isFinite(ref[i])) return { ok: false, limit, note: `element ${i} of the original is ${ref[i]}` };
  }
  switch (tolerance.measure) {
    case 'max_rel': {
      const scale = maxOf(size, (i) => Math.abs(ref[i]!));
      const largest = maxOf(size, (i) => Math.abs(y[i]! - ref[i]!));
      return within(scale === 0 ? largest : largest / scale, limit);
    }
    case 'abs':
    case 'exact':
      return within(
        maxOf(size, (i) => Math.abs(y[i]! - ref[i]!)),
        limit,
      );
    case 'each_rel':
      return within(
        maxOf(size, (i) => Math.abs(y[i]! - ref[i]!) / Math.max(Math.abs(ref[i]!), tolerance.floor)),
        limit,
      );
    case 'abs_quantile':
      return quantile(y, ref, size, tolerance);
  }
}

function within(error: number, limit: number): Comparison {
  return { ok: error <= limit, error, limit };
}

/** The error reported is the one the limit is about: the largest left when the allowed number of elements is set aside. */
function quantile(
  y: HostTensor['values'],
  ref: HostTensor['values'],
  size: number,
  { q, limit, max }: Extract<Tolerance, { measure: 'abs_quantile' }>,
): Comparison {
  // The small addend undoes binary rounding: (1 - 0.9) * 10 must count as 1.
  const share = Math.floor((1 - q) * size + 1e-9);
  const allowed = share === 0 && size >= 16 ? 1 : share;
  const errors = Float64Array.from({ length: size }, (_, i) => Math.abs(y[i]! - ref[i]!)).sort();
  const error = size > allowed ? errors[size - 1 - allowed]! : 0;
  const largest = size > 0 ? errors[size - 1]! : 0;
  const note = `${allowed} of ${size} may exceed the limit; largest ${largest.toExponential(1)}, at most ${max}`;
  return { ok: error <= limit && largest <= max, error, limit, note };
}

function maxOf(size: number, value: (index: number) => number): number {
  let largest = 0;
  for (let i = 0; i < size; i++) largest = Math.max(largest, value(i));
  return largest;
}
