import * as tf from '@tensorflow/tfjs-core';
import { paddedImage } from './conv-attrs.js';

/**
 * What a dense convolution's filter sees of each output, im2col: [B,H,W,C] -> [B H' W', kh kw C]. The convolution is the
 * product of these rows with the filter, and its gradient by the filter the product of their transpose with dy.
 */
export function patchRows(x: tf.Tensor4D, info: tf.backend_util.Conv2DInfo): tf.Tensor2D {
  const { batchSize: B, outHeight: H, outWidth: W, filterHeight, filterWidth, inChannels: C } = info;
  const padded = paddedImage(x, info);
  const taps: tf.Tensor4D[] = [];
  for (let i = 0; i < filterHeight; i++) {
    for (let j = 0; j < filterWidth; j++) taps.push(tf.slice(padded, [0, i, j, 0], [B, H, W, C]));
  }
  return tf.reshape(tf.concat(taps, 3), [B * H * W, filterHeight * filterWidth * C]);
}

/**
 * The transpose of {@link patchRows}, col2im: of each pixel the sum over all places where it stands in the rows,
 * [B H' W', kh kw C] -> [B,H,W,C].
 */
export function imageOfRows(rows: tf.Tensor, info: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { batchSize: B, outHeight: H, outWidth: W, filterHeight, filterWidth, inChannels: C, padInfo } = info;
  const taps = tf.split(tf.reshape(rows, [B, H, W, filterHeight * filterWidth * C]), filterHeight * filterWidth, 3);
  const placed = taps.map((tap, k) => {
    const [i, j] = [Math.floor(k / filterWidth), k % filterWidth];
    return tf.pad(tap, [
      [0, 0],
      [i, filterHeight - 1 - i],
      [j, filterWidth - 1 - j],
      [0, 0],
    ]);
  });
  return tf.slice(tf.addN(placed), [0, padInfo.top, padInfo.left, 0], info.inShape) as tf.Tensor4D;
}

/** Whether a convolution has such rows: each step is one pixel, in both images, and more than one pixel is seen. */
export function hasPatchRows({ dataFormat, filterHeight, filterWidth, ...steps }: tf.backend_util.Conv2DInfo): boolean {
  const { strideHeight, strideWidth, dilationHeight, dilationWidth } = steps;
  const dense = strideHeight * strideWidth * dilationHeight * dilationWidth === 1;
  return dataFormat === 'channelsLast' && dense && filterHeight * filterWidth > 1;
}
