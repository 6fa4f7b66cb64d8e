import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../backend.js';
import { boolAttr, FLOAT, intAttr, op, stringAttr } from './ops.js';

interface ConvAttrs {
  strides: [number, number] | number;
  pad: 'valid' | 'same' | number | tf.backend_util.ExplicitPadding;
  dataFormat: 'NHWC' | 'NCHW';
  dimRoundingMode?: 'floor' | 'round' | 'ceil';
}

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
export const conv2dBackpropInput: tf.KernelConfig = {
  kernelName: tf.Conv2DBackpropInput,
  backendName: BACKEND_NAME,
  kernelFunc: ({ inputs, attrs }) => {
    const { dy, filter } = inputs as { dy: tf.TensorInfo; filter: tf.TensorInfo };
    const { inputShape, ...conv } = attrs as unknown as ConvAttrs & { inputShape: number[] };
    const info = convInfo(inputShape, filter.shape, conv);
    return tf.tidy(() =>
      op('Conv2DBackpropInput', gradientAttrs(info), [tf.tensor1d(info.inShape, 'int32'), filter, dy]),
    );
  },
};

/** Gradient with respect to the filter, with any padding. */
export const conv2dBackpropFilter: tf.KernelConfig = {
  kernelName: tf.Conv2DBackpropFilter,
  backendName: BACKEND_NAME,
  kernelFunc: ({ inputs, attrs }) => {
    const { x, dy } = inputs as { x: tf.TensorInfo; dy: tf.TensorInfo };
    const { filterShape, ...conv } = attrs as unknown as ConvAttrs & { filterShape: number[] };
    const info = convInfo(x.shape, filterShape, conv);
    return tf.tidy(() =>
      op('Conv2DBackpropFilter', gradientAttrs(info), [x, tf.tensor1d(info.filterShape, 'int32'), dy]),
    );
  },
};

/** Says that convolutions with explicit padding have gradients here, so that model code need not pad first. */
export const explicitConvGradients: tf.KernelConfig = {
  kernelName: 'ExplicitConvGradients',
  backendName: BACKEND_NAME,
  kernelFunc: () => [],
};
