import type { DataType as TfjsType } from '@tensorflow/tfjs-core';

/** TensorFlow's data types (tensorflow/c/tf_datatype.h) that can reach this engine. */
export const DataType = {
  float: 1,
  double: 2,
  int32: 3,
  uint8: 4,
  string: 7,
  complex64: 8,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  half: 19,
  resource: 20,
  uint32: 22,
  uint64: 23,
} as const;

const NAMES = new Map<number, string>(Object.entries(DataType).map(([name, value]) => [value, name]));

/** Name of a data type for messages. */
export const dataTypeName = (dtype: number): string => NAMES.get(dtype) ?? `dtype ${dtype}`;

const OF_TFJS: Readonly<Record<TfjsType, number>> = {
  float32: DataType.float,
  int32: DataType.int32,
  bool: DataType.bool,
  complex64: DataType.complex64,
  string: DataType.string,
};

/** TensorFlow's type for one of tfjs's. */
export const dataTypeOf = (dtype: TfjsType): number => OF_TFJS[dtype];

const BYTES_OF: ReadonlyMap<number, number> = new Map([
  [DataType.float, 4],
  [DataType.double, 8],
  [DataType.int32, 4],
  [DataType.uint8, 1],
  [DataType.string, 24],
  [DataType.complex64, 8],
  [DataType.int64, 8],
  [DataType.bool, 1],
  [DataType.bfloat16, 2],
  [DataType.half, 2],
  [DataType.uint32, 4],
  [DataType.uint64, 8],
]);

/** Bytes of one element; 0 for what is no memory of numbers, such as resources. */
export const bytesOfType = (dtype: number): number => BYTES_OF.get(dtype) ?? 0;
