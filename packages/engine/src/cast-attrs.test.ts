import * as tf from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { testWithoutLeaks } from '../test/support/leak-free.js';
import { valuesOf } from '../test/support/start-engine.js';
import { DataType } from './capi/data-type.js';
import { castAttrs } from './cast-attrs.js';
import { currentEngine } from './engine.js';
import { op } from './kernels/ops.js';

testWithoutLeaks();

/** Through a type that tfjs lacks, and back. */
function through(middle: number, values: readonly number[]): number[] {
  const { backend, binding } = currentEngine();
  const [there] = binding.executeOp(
    'Cast',
    castAttrs(DataType.float, middle),
    backend.getInputTensorIds([tf.tensor1d([...values])]),
    1,
  );
  const [back] = binding.executeOp('Cast', castAttrs(middle, DataType.float), [there!.id], 1);
  binding.deleteTensor(there!.id);
  return valuesOf(backend.tensorOf(back!));
}

it('converts from the first type to the second', () => {
  const y = op('Cast', castAttrs(DataType.float, DataType.int32), [tf.tensor1d([1.7, -1.7, 0])]);
  expect(y.dtype).toBe('int32');
  expect(valuesOf(y)).toEqual([1, -1, 0]);
});

it('rounds where a type has fewer digits', () => {
  // 1 + 2^-8 lies between two numbers of bfloat16 and goes to the even one; 1.99999 is nearer to 2.
  expect(through(DataType.bfloat16, [1 + 2 ** -8, 1 + 3 * 2 ** -8, 1.99999])).toEqual([1, 1 + 2 ** -6, 2]);
  expect(through(DataType.half, [1.99999, 1e-3])).toEqual([2, 1049 * 2 ** -20]);
});
