import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';
import { type ConvAttrs, convAttrs, convInfo } from './conv-attrs.js';
import { defineKernel, op } from './ops.js';
import { isPacked, packedConvolution } from './packed-weights.js';
import { hasPatchRows, patchRows } from './patches.js';
import { inRowParts, rowPartsOf } from './row-parts.js';
import { gainsByWinograd, isWinograd, winograd } from './winograd.js';

type Info = tf.backend_util.Conv2DInfo;

/**
 * Images of this many elements, 256 MiB, are not made into halves: the two copies that takes would be the largest arrays of a
 * decoder, for a gain of a quarter.
 */
const MOST_HALVED = 2 ** 26;

/** How a convolution is computed: by oneDNN as it comes, as one product of matrices, or as a batch of two halves. */
type Form = 'direct' | 'columns' | 'halves';

/**
 * A convolution in the form that is fastest. oneDNN's direct one computes a single float32 image of many channels at one
 * half to one fifth of the speed that it has for two; so such an image becomes two, its upper and its lower half with the
 * rows that they share, or, where that leaves few pixels to each, its patches become the rows of a matrix (im2col). Both are
 * exact. Many pixels of many channels go by Winograd's way in float32, inside functions.
 */
export const convolution = defineKernel<{ x: tf.Tensor4D; filter: tf.Tensor4D }, ConvAttrs>(
  tf.Conv2D,
  ({ x, filter }, attrs) => {
    const info = convInfo(x.shape, filter.shape, attrs);
    const { binding } = currentEngine();
    if (gainsByPacking(info) && isPacked(filter)) return packedConvolution(x, filter, convAttrs(info));
    if (isWinograd(info) && gainsByWinograd(info.outShape, info.inChannels)) return winograd(x, filter, info.padInfo);
    const parts = hasPatchRows(info) ? rowPartsOf(info.outShape) : 1;
    if (parts > 1) return convolveParts(x, filter, info, parts);
    const half = binding.trace !== null && binding.trace.precision !== 'float32';
    switch (binding.runtime.onGpu ? 'direct' : formOf(info, half)) {
      case 'columns':
        return convolveColumns(x, filter, info);
      case 'halves':
        return convolveHalves(x, filter, info);
      case 'direct':
        return op('Conv2D', convAttrs(info), [x, filter]);
    }
  },
);

/** Whether laying the filter out takes a time worth sparing; beside the work on many pixels it is nothing. */
function gainsByPacking({ batchSize, outHeight, outWidth, inChannels, filterHeight, filterWidth }: Info): boolean {
  return 8 * filterHeight * filterWidth * inChannels >= batchSize * outHeight * outWidth;
}

/**
 * Measured on two cores with AVX-512 and AMX, 'direct' against the others, for 3 x 3 filters.
 * @param half whether it is computed in bfloat16
 */
export function formOf(info: Info, half = false): Form {
  const { batchSize, outHeight, outWidth, inChannels } = info;
  if (!hasPatchRows(info) || inChannels < 256) return 'direct';
  const pixels = batchSize * outHeight * outWidth;
  // In half the size oneDNN reorders the filter at each call, and products take it as it is.
  if (half) return pixels <= 64 && inChannels >= 512 ? 'columns' : 'direct';
  if (pixels <= (batchSize === 1 ? 1024 : 256)) return 'columns';
  const fits = pixels * inChannels < MOST_HALVED;
  return batchSize === 1 && outHeight % 2 === 0 && fits ? 'halves' : 'direct';
}

/** [B,H,W,C] by im2col: a matrix of as many rows as there are pixels, kh kw C wide, times the filter. */
function convolveColumns(x: tf.Tensor4D, filter: tf.Tensor4D, info: Info): tf.Tensor4D {
  const columns = patchRows(x, info);
  const weights = tf.reshape(filter, [columns.shape[1], info.outChannels]) as tf.Tensor2D;
  return tf.reshape(tf.matMul(columns, weights), info.outShape as [number, number, number, number]);
}

/** [1,H,W,C] in parts of its rows, each by itself. */
function convolveParts(x: tf.Tensor4D, filter: tf.Tensor4D, info: Info, parts: number): tf.Tensor4D {
  const { top, bottom, left, right } = info.padInfo;
  const division = { parts, height: info.outHeight, above: top, below: info.filterHeight - 1 - top };
  return inRowParts(x, division, ({ rows, first, last }) => {
    const pad: tf.backend_util.ExplicitPadding = [
      [0, 0],
      [first ? top : 0, last ? bottom : 0],
      [left, right],
      [0, 0],
    ];
    const each = convInfo(rows.shape, filter.shape, { strides: 1, pad, dataFormat: 'NHWC' });
    return op('Conv2D', convAttrs(each), [rows, filter]) as tf.Tensor4D;
  });
}

/** [1,H,W,C] as two images of half the height; each has the rows of the other that its filter reaches. */
function convolveHalves(x: tf.Tensor4D, filter: tf.Tensor4D, info: Info): tf.Tensor4D {
  const { outHeight: H, outWidth: W, outChannels: O, filterHeight, inHeight, inWidth, inChannels: C } = info;
  const { top, bottom, left, right } = info.padInfo;
  const rows = H / 2 + filterHeight - 1;
  const border = (height: number) => (height > 0 ? [tf.zeros([1, height, inWidth, C]) as tf.Tensor4D] : []);
  const upper = tf.slice(x, [0, 0, 0, 0], [1, rows - top, inWidth, C]);
  const lower = tf.slice(x, [0, inHeight - (rows - bottom), 0, 0], [1, rows - bottom, inWidth, C]);
  const halves = tf.reshape(tf.concat([...border(top), upper, lower, ...border(bottom)], 1), [2, rows, inWidth, C]);
  const pad: tf.backend_util.ExplicitPadding = [
    [0, 0],
    [0, 0],
    [left, right],
    [0, 0],
  ];
  const each = convInfo(halves.shape, filter.shape, { strides: 1, pad, dataFormat: 'NHWC' });
  return tf.reshape(op('Conv2D', convAttrs(each), [halves, filter]), [1, H, W, O]);
}
