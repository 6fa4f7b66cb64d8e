import * as tf from '@tensorflow/tfjs-core';
import { DataType } from '../capi/data-type.js';
import { defineKernel, op, typeAttr } from './ops.js';

const SHAPE_AND_SEED = [typeAttr('T', DataType.int32), typeAttr('Tseed', DataType.int32)];

/** A kernel that draws with TensorFlow's operation of the same name; seed is int32 [2], and may be an argument. */
const floatDraws = (name: 'StatelessRandomNormal' | 'StatelessRandomUniform'): tf.KernelConfig =>
  defineKernel<{ seed: tf.Tensor }, { shape: number[] }>(name, ({ seed }, { shape }) => [
    op(name, [typeAttr('dtype', DataType.float), ...SHAPE_AND_SEED], [tf.tensor1d(shape, 'int32'), seed]),
  ]);

export const statelessRandomNormal = floatDraws('StatelessRandomNormal');
export const statelessRandomUniform = floatDraws('StatelessRandomUniform');

/** Integers in [low, high). */
export const statelessRandomUniformInt = defineKernel<
  { seed: tf.Tensor },
  { shape: number[]; low: number; high: number }
>('StatelessRandomUniformInt', ({ seed }, { shape, low, high }) => [
  op(
    'StatelessRandomUniformInt',
    [typeAttr('dtype', DataType.int32), ...SHAPE_AND_SEED],
    [tf.tensor1d(shape, 'int32'), seed, tf.scalar(low, 'int32'), tf.scalar(high, 'int32')],
  ),
]);
