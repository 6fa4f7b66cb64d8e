/** Weights of the mask that a fixed mix is tried with. */
export const MIX_WEIGHTS: readonly number[] = Array.from({ length: 11 }, (_, i) => i / 10);

/** What a weight gives on the validation pairs. */
export interface GridPoint {
  /** Of the mask; the text has the rest. */
  readonly weight: number;
  readonly mask_accuracy: number;
  readonly text_consistency: number;
}

/** The same, with both consistencies made comparable. */
export interface NormalisedPoint extends GridPoint {
  /** 0 for the worst weight of the grid, 1 for the best. */
  readonly normalised: { readonly mask_accuracy: number; readonly text_consistency: number };
  /** Mean of the two. */
  readonly score: number;
}

/** Both consistencies on one scale. */
export interface ConsistencyScale {
  readonly mask_accuracy: (value: number) => number;
  readonly text_consistency: (value: number) => number;
}

/**
 * Bring both consistencies to one scale: the worst of the grid is 0, the best is 1. A consistency that is the same for every
 * weight says nothing about them and counts 0 for all.
 */
export function scaleOf(grid: readonly GridPoint[]): ConsistencyScale {
  const scaled = (name: keyof ConsistencyScale) => {
    const values = grid.map((point) => point[name]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return (value: number): number => (high > low ? (value - low) / (high - low) : 0);
  };
  return { mask_accuracy: scaled('mask_accuracy'), text_consistency: scaled('text_consistency') };
}

/** The grid on the scale that it makes. */
export function normaliseGrid(grid: readonly GridPoint[]): NormalisedPoint[] {
  const scale = scaleOf(grid);
  return grid.map((point) => {
    const mask = scale.mask_accuracy(point.mask_accuracy);
    const text = scale.text_consistency(point.text_consistency);
    return { ...point, normalised: { mask_accuracy: mask, text_consistency: text }, score: (mask + text) / 2 };
  });
}

/**
 * The weight with the highest mean of the two normalised consistencies; of equals the one nearest to one half, then the smaller.
 * @throws RangeError for an empty grid
 */
export function chooseWeight(grid: readonly NormalisedPoint[]): number {
  const [best] = [...grid].sort(
    (a, b) => b.score - a.score || Math.abs(a.weight - 0.5) - Math.abs(b.weight - 0.5) || a.weight - b.weight,
  );
  if (best === undefined) throw new RangeError('fixed mix: no weight to choose from');
  return best.weight;
}
