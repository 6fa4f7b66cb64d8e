import type { ByteImage } from './image.js';

/**
 * Two images over each other, as PIL's `Image.blend`: first + alpha (second - first), cut to a whole level; alpha outside
 * [0,1] extrapolates, and is clipped.
 * @throws RangeError if sizes differ
 */
export function blend(first: ByteImage, second: ByteImage, alpha: number): ByteImage {
  const sizeOf = ({ height, width, channels }: ByteImage) => `${height}x${width}x${channels}`;
  if (sizeOf(first) !== sizeOf(second)) {
    throw new RangeError(`blend: ${sizeOf(first)} and ${sizeOf(second)} (height, width, channels); wanted one size`);
  }
  const amount = Math.fround(alpha);
  const values = first.values.map((from, i) => {
    const level = Math.fround(from + Math.fround(amount * (second.values[i]! - from)));
    return Math.min(Math.max(level, 0), 255);
  });
  return { ...first, values };
}
