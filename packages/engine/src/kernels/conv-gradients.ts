import * as tf from '@tensorflow/tfjs-core';
import { boolAttr, defineKernel, FLOAT, intAttr, op, stringAttr } from './ops.js';

type ConvAttrs = {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
};

function gradientAttrs(info: tf.backend_util.Conv2DInfo) {
  const { top, bottom, left, right, type } = info.padInfo;
  const nhwc = info.dataFormat === 'channelsLast';
  const attrs = [
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

function convInfo(x: number[], filter: number[], { strides, pad, dataFormat, dimRoundingMode }: ConvAttrs) {
  const format = tf.backend_util.convertConv2DDataFormat(dataFormat);
  return tf.backend_util.computeConv2DInfo(
    x as [number, number, number, number],
    filter as [number, number, number, number],
    strides,
    1,
    pad,
    dimRoundingMode,
    false,
    format,
  );
}

/** Gradient with respect to the image, with any padding; upstream's kernel takes 'same' and 'valid' only. */
export const conv2dBackpropInput = defineKernel<
  Record<'dy' | 'filter', tf.Tensor>,
  ConvAttrs & { inputShape: number[] }
>(tf.Conv2DBackpropInput, ({ dy, filter }, { inputShape, ...conv }) => {
  const info = convInfo(inputShape, filter.shape, conv);
  return op('Conv2DBackpropInput', gradientAttrs(info), [tf.tensor1d(info.inShape, 'int32'), filter, dy]);
});

/** Gradient with respect to the filter, with any padding. */
export const conv2dBackpropFilter = defineKernel<Record<'x' | 'dy', tf.Tensor>, ConvAttrs & { filterShape: number[] }>(
  tf.Conv2DBackpropFilter,
  ({ x, dy }, { filterShape, ...conv }) => {
    const info = convInfo(x.shape, filterShape, conv);
    return op('Conv2DBackpropFilter', gradientAttrs(info), [x, tf.tensor1d(info.filterShape, 'int32'), dy]);
  },
);

/** Says that convolutions with explicit padding have gradients here, so that model code need not pad first. */
export const explicitConvGradients = defineKernel('ExplicitConvGradients', () => []);
