import { expect, it } from 'vitest';
import { DataType, dataTypeName, dataTypeOf } from './data-type.js';

it('numbers types as tensorflow/c/tf_datatype.h does', () => {
  expect([DataType.float, DataType.int32, DataType.string, DataType.bool]).toEqual([1, 3, 7, 10]);
  expect([DataType.int64, DataType.bfloat16, DataType.half, DataType.resource]).toEqual([9, 14, 19, 20]);
});

it("has a type for each of tfjs's", () => {
  const types = ['float32', 'int32', 'bool', 'complex64', 'string'] as const;
  expect(types.map((dtype) => dataTypeName(dataTypeOf(dtype)))).toEqual([
    'float',
    'int32',
    'bool',
    'complex64',
    'string',
  ]);
});

it('names a type that is not in the table by its number', () => {
  expect(dataTypeName(DataType.uint64)).toBe('uint64');
  expect(dataTypeName(23_000)).toBe('dtype 23000');
});
