import * as tf from '@tensorflow/tfjs-core';
import type { OpAttr } from '../tfjs-node.js';
import { boolAttr, FLOAT, intAttr, stringAttr } from './ops.js';

/** What tfjs says of a convolution. */
export type ConvAttrs = {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  /** 1 if left out, as in gradients, which tfjs has for nothing else. */
  dilations?: [number, number] | number;
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
};

/** The same for TensorFlow's operations. */
export function convAttrs(info: tf.backend_util.Conv2DInfo): readonly OpAttr[] {
  const { top, bottom, left, right } = info.padInfo;
  const type = info.padInfo.type === 'NUMBER' ? 'EXPLICIT' : info.padInfo.type;
  const nhwc = info.dataFormat === 'channelsLast';
  const attrs: OpAttr[] = [
    FLOAT,
    intAttr('strides', [1, info.strideHeight, info.strideWidth, 1]),
    stringAttr('padding', type),
    stringAttr('data_format', nhwc ? 'NHWC' : 'NCHW'),
    boolAttr('use_cudnn_on_gpu', true),
    intAttr('dilations', [1, info.dilationHeight, info.dilationWidth, 1]),
  ];
  if (type !== 'EXPLICIT') return attrs;
  const sides = nhwc ? [0, 0, top, bottom, left, right, 0, 0] : [0, 0, 0, 0, top, bottom, left, right];
  return [...attrs, intAttr('explicit_paddings', sides)];
}

/** Shapes and padding. */
export function convInfo(
  x: readonly number[],
  filter: readonly number[],
  attrs: ConvAttrs,
): tf.backend_util.Conv2DInfo {
  const { strides, dilations = 1, pad, dataFormat, dimRoundingMode } = attrs;
  const format = tf.backend_util.convertConv2DDataFormat(dataFormat);
  return tf.backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    strides,
    dilations,
    pad,
    dimRoundingMode,
    false,
    format,
  );
}

/** The image [B,H,W,C] with the zeros around it that the convolution takes. */
export function paddedImage(x: tf.Tensor4D, { padInfo }: tf.backend_util.Conv2DInfo): tf.Tensor4D {
  const { top, bottom, left, right } = padInfo;
  return tf.pad(x, [
    [0, 0],
    [top, bottom],
    [left, right],
    [0, 0],
  ]);
}
