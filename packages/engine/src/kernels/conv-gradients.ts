import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';
import { type ConvAttrs, convAttrs, convInfo, paddedImage } from './conv-attrs.js';
import { defineKernel, op } from './ops.js';
import { hasPatchRows, imageOfRows, patchRows } from './patches.js';
import { inBfloat16 } from './reductions.js';
import { gainsByWinograd, isWinograd, winograd, winogradFilterGradient } from './winograd.js';

type Info = tf.backend_util.Conv2DInfo;

/** Gradient with respect to the image, with any padding; upstream's kernel takes 'same' and 'valid' only. */
export const conv2dBackpropInput = defineKernel<
  Record<'dy' | 'filter', tf.Tensor>,
  ConvAttrs & { inputShape: number[] }
>(tf.Conv2DBackpropInput, ({ dy, filter }, { inputShape, ...conv }) => {
  const info = convInfo(inputShape, filter.shape, conv);
  if (isWinograd(info) && gainsByWinograd(inputShape, info.outChannels)) {
    const { top, bottom, left, right } = info.padInfo;
    const pads = { top: 2 - top, bottom: 2 - bottom, left: 2 - left, right: 2 - right };
    return winograd(dy as tf.Tensor4D, filter as tf.Tensor4D, pads, { turned: true });
  }
  if (spreadsColumns(info)) return imageByColumns(info, dy, filter);
  if (!padsFirst(info)) return byImage(info, dy, filter);
  const { top, left } = info.padInfo;
  const padded = byImage(ofPadded(info, conv), dy, filter);
  return tf.slice(padded, [0, top, left, 0], inputShape as [number, number, number, number]);
});

/** Gradient with respect to the filter, with any padding. */
export const conv2dBackpropFilter = defineKernel<
  { x: tf.Tensor4D; dy: tf.Tensor },
  ConvAttrs & { filterShape: number[] }
>(tf.Conv2DBackpropFilter, ({ x, dy }, { filterShape, ...conv }) => {
  const info = convInfo(x.shape, filterShape, conv);
  if (byColumns(info)) return filterByColumns(info, x, dy);
  if (isWinograd(info) && gainsByWinograd(info.outShape, info.inChannels)) {
    return winogradFilterGradient(x, dy as tf.Tensor4D, info.padInfo);
  }
  if (!padsFirst(info)) return byFilter(info, x, dy);
  return byFilter(ofPadded(info, conv), paddedImage(x, info), dy);
});

/** Says that convolutions with explicit padding have gradients here, so that model code need not pad first. */
export const explicitConvGradients = defineKernel('ExplicitConvGradients', () => []);

const byImage = (info: Info, dy: tf.Tensor, filter: tf.Tensor): tf.Tensor =>
  op('Conv2DBackpropInput', convAttrs(info), [tf.tensor1d(info.inShape, 'int32'), filter, dy]);

const byFilter = (info: Info, x: tf.Tensor, dy: tf.Tensor): tf.Tensor =>
  op('Conv2DBackpropFilter', convAttrs(info), [x, tf.tensor1d(info.filterShape, 'int32'), dy]);

/**
 * Whether a filter's gradient is faster as one product of matrices: where few pixels meet many channels. Measured on two cores
 * with AVX-512 and AMX: 960 channels of 8x8 pixels take 7.9 instead of 17 ms, in bfloat16 3.3 instead of 11.
 */
function byColumns(info: Info): boolean {
  const { batchSize, outHeight, outWidth, inChannels } = info;
  if (currentEngine().binding.runtime.onGpu || !hasPatchRows(info) || inChannels < 256) return false;
  return batchSize * outHeight * outWidth <= (inBfloat16() ? 1024 : 256);
}

/**
 * Whether an image's gradient is faster as one product of matrices whose rows are spread over the image: for the many channels of
 * a U-Net's first decoder blocks. Measured on two Zen 5 cores in float32: 1792 channels of 8x8 pixels from 896 take 10 instead of
 * 98 ms, of 16x16 pixels 27 instead of 42; with 1344 channels both take the same.
 */
function spreadsColumns(info: Info): boolean {
  const { batchSize, inHeight, inWidth, inChannels, outChannels, filterHeight, filterWidth } = info;
  const { trace, runtime } = currentEngine().binding;
  if (runtime.onGpu || (trace !== null && trace.precision !== 'float32') || !hasPatchRows(info)) return false;
  if (inChannels < 1536 || outChannels < 256 || filterHeight * filterWidth > 9) return false;
  return batchSize * inHeight * inWidth <= 512;
}

function imageByColumns(info: Info, dy: tf.Tensor, filter: tf.Tensor): tf.Tensor4D {
  const { batchSize, outHeight, outWidth, outChannels, filterHeight, filterWidth, inChannels } = info;
  const pixels = tf.reshape(dy, [batchSize * outHeight * outWidth, outChannels]) as tf.Tensor2D;
  const weights = tf.reshape(filter, [filterHeight * filterWidth * inChannels, outChannels]) as tf.Tensor2D;
  return imageOfRows(tf.matMul(pixels, weights, false, true), info);
}

function filterByColumns(info: Info, x: tf.Tensor4D, dy: tf.Tensor): tf.Tensor {
  const rows = patchRows(x, info);
  const product = tf.matMul(rows, tf.reshape(dy, [rows.shape[0], info.outChannels]) as tf.Tensor2D, true, false);
  return tf.reshape(product, info.filterShape);
}

/**
 * Whether to compute on an image that is padded beforehand. On a CPU TensorFlow's gradients with explicit padding are slower
 * than that, though the convolution itself is faster.
 */
function padsFirst({ padInfo, dataFormat }: Info): boolean {
  const explicit = padInfo.type === 'EXPLICIT' || padInfo.type === 'NUMBER';
  return explicit && dataFormat === 'channelsLast' && !currentEngine().binding.runtime.onGpu;
}

/** The same convolution, of the padded image. */
function ofPadded({ inShape, filterShape, padInfo }: Info, conv: ConvAttrs): Info {
  const [B, H, W, C] = inShape;
  const padded = [B, H + padInfo.top + padInfo.bottom, W + padInfo.left + padInfo.right, C];
  return convInfo(padded, filterShape, { ...conv, pad: 'valid' });
}
