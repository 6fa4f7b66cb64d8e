import { inspect, shapeOnly } from '@codiff/engine';
import { Params } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchSpec } from '../case.js';
import { type BenchModel, weightsOf } from './bench-model.js';
import { formulaImage, formulaInput, tokenIds } from './inputs.js';

/** Where the tensors of a benchmark come from: values by formula to run it, or shapes alone to plan it. */
export interface Source {
  /** Weights of the wanted keys. @param strip cut from keys before they are hashed */
  weights(bench: BenchModel, wanted: (key: string) => boolean, strip?: string): Params;
  /** @returns [B,H,W,C] */
  image(name: string, shape: readonly [number, number, number, number]): tf.Tensor4D;
  input(name: string, shape: readonly number[]): tf.Tensor;
  /** @returns int32 [B,L] */
  ids(batch: number, length: number): tf.Tensor2D;
  /** Timesteps, all the same, int32 [B]. */
  steps(batch: number, step: number): tf.Tensor1D;
  /** What a function makes of tensors: its result, or one of the right shapes. */
  made<A extends unknown[], R>(make: (...args: A) => R, args: A): R;
}

/** Values by formula; weights as sampling in `precision` keeps them. */
export const formulaSource = (precision: BenchSpec['precision']): Source => ({
  weights: (bench, wanted, strip) => weightsOf(bench, wanted, strip, precision),
  image: formulaImage,
  input: formulaInput,
  ids: tokenIds,
  steps: (batch, step) => tf.fill([batch], step, 'int32'),
  made: (make, args) => make(...args),
});

/** Values by formula; weights as training keeps them. */
export const FORMULA = formulaSource('float32');

/** Shapes alone: nothing takes memory, and nothing can run. */
export const SHAPES: Source = {
  weights: ({ specs }, wanted) =>
    new Params(
      [...specs].filter(([key]) => wanted(key)).map(([key, { shape, dtype }]) => [key, shapeOnly(shape, dtype)]),
    ),
  image: (_, shape) => shapeOnly(shape) as tf.Tensor4D,
  input: (_, shape) => shapeOnly(shape),
  ids: (batch, length) => shapeOnly([batch, length], 'int32') as tf.Tensor2D,
  steps: (batch) => shapeOnly([batch], 'int32') as tf.Tensor1D,
  made: (make, args) => inspect(make, args).result,
};
