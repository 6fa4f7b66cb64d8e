/** Images whose steps a report shows; the others are in its results only. */
export const MOST_DETAILED = 8;
/** Steps that a slider shows at most. */
export const MOST_STEPS = 100;
/** Side above which pictures of steps are made smaller. */
export const FRAME_SIDE = 256;

/** Bytes of a pixel in a page, at most: a noisy JPEG of good quality, in base64. */
const PIXEL = 2;
/** Bytes of the page itself, its curves included. */
const PAGE = 500_000;

/** Bytes that a report may have, at most. @param side of an image in pixels */
export function reportBytes(images: number, side: number, steps: number): number {
  const detailed = Math.min(images, MOST_DETAILED);
  const frames = 2 * Math.min(steps, MOST_STEPS) * Math.min(side, FRAME_SIDE) ** 2;
  return PAGE + PIXEL * (detailed * (frames + side * side) + (images - detailed) * FRAME_SIDE ** 2);
}
