/** An image of 8-bit values in memory, (H, W, C) row-major. */
export interface Pixels {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
  readonly values: Uint8Array;
}

/**
 * Cut a window out of an image.
 * @param top, left the window's first row and column @param height, width its size; it must lie inside the image
 * @returns the image itself where the window is all of it
 */
export function crop(image: Pixels, top: number, left: number, height: number, width: number): Pixels {
  const { channels, values } = image;
  if (top < 0 || left < 0 || top + height > image.height || left + width > image.width) {
    throw new RangeError(
      `crop: rows ${top}..${top + height - 1}, columns ${left}..${left + width - 1} of an image of ${image.height} x ${image.width}`,
    );
  }
  if (height === image.height && width === image.width) return image;
  const out = new Uint8Array(height * width * channels);
  for (let y = 0; y < height; y++) {
    const from = ((top + y) * image.width + left) * channels;
    out.set(values.subarray(from, from + width * channels), y * width * channels);
  }
  return { height, width, channels, values: out };
}
