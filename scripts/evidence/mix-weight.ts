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

/**
 * Bring both consistencies to one scale: the worst of the grid is 0, the best is 1. A consistency that is the same for every
 * weight says nothing about them and counts 0 for all.
 */
export function normaliseGrid(grid: readonly GridPoint[]): NormalisedPoint[] {
  const scaled = (name: 'mask_accuracy' | 'text_consistency') => {
    const values = grid.map((point) => point[name]);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    return values.map((value) => (high > low ? (value - low) / (high - low) : 0));
  };
  const [mask, text] = [scaled('mask_accuracy'), scaled('text_consistency')];
  return grid.map((point, i) => ({
    ...point,
    normalised: { mask_accuracy: mask[i]!, text_consistency: text[i]! },
    score: (mask[i]! + text[i]!) / 2,
  }));
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
