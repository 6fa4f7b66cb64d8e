import type { ByteImage } from '@codiff/codiff';

/**
 * A latent as a picture: as RGB where it has three channels, as the original's have; else its channels in grey, side by side.
 * @param latent levels of one latent [h,w,c]
 */
export function latentPicture(latent: ByteImage): ByteImage {
  const { values, height, width, channels } = latent;
  if (channels === 3) return latent;
  const picture = new Uint8Array(height * width * channels * 3);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      for (let c = 0; c < channels; c++) {
        const level = values[(y * width + x) * channels + c]!;
        picture.fill(level, 3 * ((y * channels + c) * width + x), 3 * ((y * channels + c) * width + x) + 3);
      }
    }
  }
  return { values: picture, height, width: width * channels, channels: 3 };
}
