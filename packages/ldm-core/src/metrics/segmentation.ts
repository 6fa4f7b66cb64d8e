/** How often class `wanted` was found as class `found`: row-major [classes, classes], rows are what was wanted. */
export type Confusion = Int32Array;

/**
 * Count a parsed image against its mask.
 * @param wanted class of each pixel @param found like wanted @param classes how many there are
 * @throws RangeError where sizes differ, or a value is no class
 */
export function confusionOf(wanted: ArrayLike<number>, found: ArrayLike<number>, classes: number): Confusion {
  if (wanted.length !== found.length) {
    throw new RangeError(`confusion: a mask of ${wanted.length} pixels beside one of ${found.length}; wanted one size`);
  }
  const counts = new Int32Array(classes * classes);
  for (let i = 0; i < wanted.length; i++) {
    const [row, column] = [wanted[i]!, found[i]!];
    if (!(row >= 0 && row < classes && column >= 0 && column < classes)) {
      throw new RangeError(`confusion: classes ${row} and ${column} at pixel ${i}; wanted 0 to ${classes - 1}`);
    }
    counts[row * classes + column]!++;
  }
  return counts;
}

/** Counts of several images together. @param indices which of them, with repetition; all by default */
export function sumConfusions(each: readonly Confusion[], indices?: ArrayLike<number>): Float64Array {
  const sum = new Float64Array(each[0]?.length ?? 0);
  const n = indices?.length ?? each.length;
  for (let i = 0; i < n; i++) {
    const counts = each[indices?.[i] ?? i]!;
    for (let k = 0; k < sum.length; k++) sum[k]! += counts[k]!;
  }
  return sum;
}

/** Share of pixels whose class was found. */
export function pixelAccuracy(counts: ArrayLike<number>): number {
  const classes = sideOf(counts);
  let [right, all] = [0, 0];
  for (let k = 0; k < counts.length; k++) {
    all += counts[k]!;
    if (Math.floor(k / classes) === k % classes) right += counts[k]!;
  }
  return right / all;
}

/** Intersection over union of each class; NaN for a class that is neither wanted nor found. */
export function classIoU(counts: ArrayLike<number>): Float64Array {
  const classes = sideOf(counts);
  return Float64Array.from({ length: classes }, (_, c) => {
    let union = -counts[c * classes + c]!;
    for (let k = 0; k < classes; k++) union += counts[c * classes + k]! + counts[k * classes + c]!;
    return union === 0 ? Number.NaN : counts[c * classes + c]! / union;
  });
}

/**
 * Mean intersection over union. A class that is neither wanted nor found in any of the images is left out; one that is only
 * wanted, or only found, counts as 0.
 */
export function meanIoU(counts: ArrayLike<number>): number {
  const held = classIoU(counts).filter((iou) => !Number.isNaN(iou));
  return held.reduce((sum, iou) => sum + iou, 0) / held.length;
}

function sideOf(counts: ArrayLike<number>): number {
  const classes = Math.sqrt(counts.length);
  if (Number.isInteger(classes) && classes > 0) return classes;
  throw new RangeError(`confusion: ${counts.length} counts; wanted a square of classes`);
}
