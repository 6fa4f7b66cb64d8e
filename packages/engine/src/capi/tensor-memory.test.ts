import { describe, expect, it } from 'vitest';
import { fakeNative, nativeMemory } from '../../test/support/fake-native.js';
import { EngineError } from '../errors.js';
import { DataType } from './data-type.js';
import { type Pointer, readMemory } from './native.js';
import { newTensor, readTensor } from './tensor-memory.js';

/** A C API whose tensors are real memory, and whose string elements are kept beside it. */
function memory() {
  const tensors = new Map<Pointer, { data: Pointer; bytes: number }>();
  const strings = new Map<Pointer, Uint8Array>();
  let next = 1n;
  const make = (data: Pointer, bytes: number): Pointer => {
    tensors.set(next, { data, bytes });
    return next++;
  };
  const fake = fakeNative({
    TF_AllocateTensor: (_type: number, _dims: number[], _rank: number, bytes: number) =>
      make(nativeMemory(bytes), bytes),
    TF_TensorData: (tensor: Pointer) => tensors.get(tensor)!.data,
    TF_TensorByteSize: (tensor: Pointer) => BigInt(tensors.get(tensor)!.bytes),
    TF_StringCopy: (element: Pointer, bytes: Uint8Array, length: number) => {
      strings.set(element, bytes.slice(0, length));
    },
    TF_StringGetSize: (element: Pointer) => BigInt(strings.get(element)!.length),
    TF_StringGetDataPointer: (element: Pointer) => nativeMemory(strings.get(element)!),
  });
  const of = (bytes: ArrayBufferView): Pointer =>
    make(nativeMemory(new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.byteLength)), bytes.byteLength);
  const bytesOf = (tensor: Pointer) => readMemory(tensors.get(tensor)!.data, tensors.get(tensor)!.bytes);
  return { ...fake, of, bytesOf };
}

describe('newTensor', () => {
  it('takes type, shape and size, and copies typed arrays, views included', () => {
    const { native, named, bytesOf } = memory();
    const whole = Float32Array.of(9, 1, 2, 9);
    const tensor = newTensor(native, [1, 2], DataType.float, whole.subarray(1, 3));
    expect(named('TF_AllocateTensor')).toEqual([['TF_AllocateTensor', DataType.float, [1, 2], 2, 8]]);
    whole.fill(0);
    expect([...new Float32Array(bytesOf(tensor).buffer)]).toEqual([1, 2]);
  });

  it('converts the plain arrays that some tfjs operations hand over', () => {
    const { native, bytesOf } = memory();
    const plain = (dtype: number, values: number[]) =>
      bytesOf(newTensor(native, [values.length], dtype, values as never)).buffer;
    expect([...new Float32Array(plain(DataType.float, [0.5, -1]))]).toEqual([0.5, -1]);
    expect([...new Int32Array(plain(DataType.int32, [2 ** 30, -1]))]).toEqual([2 ** 30, -1]);
    expect([...new Uint8Array(plain(DataType.bool, [1, 0, 1]))]).toEqual([1, 0, 1]);
  });

  it('makes empty tensors, which have no memory', () => {
    const { native } = fakeNative({ TF_TensorData: () => null });
    expect(() => newTensor(native, [0, 3], DataType.float, new Float32Array(0))).not.toThrow();
  });

  it.each([
    ['no tensor', { TF_AllocateTensor: () => null }],
    ['a tensor without memory', { TF_TensorData: () => null }],
  ])('says that memory ran out when the library gives %s', (_, answers) => {
    const { native } = fakeNative(answers);
    const upload = () => newTensor(native, [1024, 1024], DataType.float, new Float32Array(2 ** 20));
    expect(upload).toThrow(EngineError);
    expect(upload).toThrow(
      'upload of [1024,1024] float (4.0 MiB): memory ran out; free tensors or raise memoryLimitMiB',
    );
    expect(() => upload()).toThrow(expect.objectContaining({ code: 'resource-exhausted' }));
  });
});

describe('strings', () => {
  it('make the round trip as bytes, empty and longer than one element', () => {
    const { native } = memory();
    const texts = ['', 'Zürich', 'x'.repeat(100)].map((text) => new TextEncoder().encode(text));
    const tensor = newTensor(native, [3], DataType.string, texts);
    expect(readTensor(native, tensor, DataType.string)).toEqual(texts);
  });
});

describe('readTensor', () => {
  it.each([
    ['float32', DataType.float, Float32Array.of(1.5, NaN), Float32Array.of(1.5, NaN)],
    ['complex numbers as pairs', DataType.complex64, Float32Array.of(1, 2, 3, 4), Float32Array.of(1, 2, 3, 4)],
    ['int32', DataType.int32, Int32Array.of(-5, 7), Int32Array.of(-5, 7)],
    ['booleans', DataType.bool, Uint8Array.of(1, 0), Uint8Array.of(1, 0)],
    ['bytes', DataType.uint8, Uint8Array.of(255), Uint8Array.of(255)],
    ['doubles, rounded', DataType.double, Float64Array.of(0.1, -2), Float32Array.of(0.1, -2)],
    ['int64 that fit', DataType.int64, BigInt64Array.of(-(2n ** 31n), 5n), Int32Array.of(-(2 ** 31), 5)],
    ['uint32', DataType.uint32, Uint32Array.of(7, 2 ** 31 - 1), Int32Array.of(7, 2 ** 31 - 1)],
  ] as const)('reads %s', (_, dtype, stored, wanted) => {
    const { native, of } = memory();
    expect(readTensor(native, of(stored), dtype)).toEqual(wanted);
  });

  it('refuses int64 values that int32 cannot hold, instead of cutting them', () => {
    const { native, of } = memory();
    for (const value of [2n ** 31n, -(2n ** 31n) - 1n, 2n ** 40n])
      expect(() => readTensor(native, of(BigInt64Array.of(0n, value)), DataType.int64)).toThrow(
        `reading an int64 tensor: ${value} does not fit tfjs's int32`,
      );
  });

  it('refuses types that tfjs lacks, by name', () => {
    const { native, of } = memory();
    expect(() => readTensor(native, of(Uint8Array.of(0, 0)), DataType.half)).toThrow(
      'reading a tensor of half: tfjs has no such type',
    );
  });
});
