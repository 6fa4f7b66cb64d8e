import type * as tf from '@tensorflow/tfjs-core';
import type fc from 'fast-check';
import type { PlainTensor } from './plain-tensor.js';

/** What one run of an operation is given: tensors, and whatever else it takes. */
export interface OpInput<A> {
  readonly tensors: readonly PlainTensor[];
  readonly attrs: A;
}

/** One operation of tfjs-core, how to draw its arguments, and how to call it. */
export interface OpCase {
  /** tfjs-core's name, shown in the test's. */
  readonly name: string;
  readonly input: fc.Arbitrary<OpInput<unknown>>;
  readonly run: (tensors: tf.Tensor[], attrs: unknown) => tf.Tensor | tf.Tensor[];
  /** Largest error relative to max(1, |wanted|). */
  readonly tolerance: number;
  /** Why it cannot be compiled, as a pattern of the error that says so; undefined where it can. */
  readonly refused?: RegExp;
}

/** Define a case with its argument types checked. */
export function opCase<A>(
  name: string,
  input: fc.Arbitrary<OpInput<A>>,
  run: (tensors: tf.Tensor[], attrs: A) => tf.Tensor | tf.Tensor[],
  { tolerance = 1e-5, refused }: { tolerance?: number; refused?: RegExp } = {},
): OpCase {
  return {
    name,
    input,
    run: run as OpCase['run'],
    tolerance,
    ...(refused === undefined ? {} : { refused }),
  };
}

/** Tensors without further arguments. */
export function only(
  tensors: fc.Arbitrary<PlainTensor> | fc.Arbitrary<readonly PlainTensor[]>,
): fc.Arbitrary<OpInput<undefined>> {
  return (tensors as fc.Arbitrary<PlainTensor | readonly PlainTensor[]>).map((drawn) => ({
    tensors: 'dtype' in drawn ? [drawn] : drawn,
    attrs: undefined,
  }));
}
