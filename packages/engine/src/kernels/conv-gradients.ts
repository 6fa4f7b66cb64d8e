import * as tf from '@tensorflow/tfjs-core';
import { type ConvAttrs, convAttrs, convInfo } from './conv-attrs.js';
import { defineKernel, op } from './ops.js';

/** Gradient with respect to the image, with any padding; upstream's kernel takes 'same' and 'valid' only. */
export const conv2dBackpropInput = defineKernel<
  Record<'dy' | 'filter', tf.Tensor>,
  ConvAttrs & { inputShape: number[] }
>(tf.Conv2DBackpropInput, ({ dy, filter }, { inputShape, ...conv }) => {
  const info = convInfo(inputShape, filter.shape, conv);
  return op('Conv2DBackpropInput', convAttrs(info), [tf.tensor1d(info.inShape, 'int32'), filter, dy]);
});

/** Gradient with respect to the filter, with any padding. */
export const conv2dBackpropFilter = defineKernel<Record<'x' | 'dy', tf.Tensor>, ConvAttrs & { filterShape: number[] }>(
  tf.Conv2DBackpropFilter,
  ({ x, dy }, { filterShape, ...conv }) => {
    const info = convInfo(x.shape, filterShape, conv);
    return op('Conv2DBackpropFilter', convAttrs(info), [x, tf.tensor1d(info.filterShape, 'int32'), dy]);
  },
);

/** Says that convolutions with explicit padding have gradients here, so that model code need not pad first. */
export const explicitConvGradients = defineKernel('ExplicitConvGradients', () => []);
