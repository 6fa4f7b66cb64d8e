import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { testWithoutLeaks } from '../test/support/leak-free.js';
import { valuesOf } from '../test/support/start-engine.js';
import { DataType } from './capi/data-type.js';
import { currentEngine } from './engine.js';

testWithoutLeaks();

/** Tensors in TensorFlow's memory. */
const uploaded = () => currentEngine().binding.slots.size;

describe('uploads', () => {
  it('of little happen at the first use, and once', () => {
    const before = uploaded();
    const x = tf.tensor([1, 2]);
    expect(uploaded()).toBe(before);
    expect(valuesOf(x)).toEqual([1, 2]);
    expect(uploaded()).toBe(before);
    tf.dispose(tf.neg(x));
    expect(uploaded()).toBe(before + 1);
    tf.dispose(tf.neg(x));
    expect(uploaded()).toBe(before + 1);
    x.dispose();
    expect(uploaded()).toBe(before);
  });

  it('of much happen at once, so that the array need not be kept', () => {
    const before = uploaded();
    const values = new Float32Array(2 ** 14).fill(3);
    const x = tf.tensor(values);
    expect(uploaded()).toBe(before + 1);
    values.fill(0);
    expect(valuesOf(tf.max(x))).toEqual([3]);
  });

  it("of tfjs-node's int64 scalars last as long as the operation", () => {
    const { backend } = currentEngine();
    const before = uploaded();
    const one = { dataId: null, shape: [], dtype: 'int32', valueArray: Int32Array.of(1, 0) } as object as tf.TensorInfo;
    const type = { name: 'T', type: 4, value: DataType.int64 };
    const y = backend.executeSingleOutput('Neg', [type], [one]);
    expect([y.dtype, valuesOf(y)]).toEqual(['int32', [-1]]);
    expect(uploaded()).toBe(before + 1);
  });
});

describe('clones', () => {
  it('share the data until the last of them is disposed', () => {
    const x = tf.neg(tf.tensor([1, 2]));
    const before = uploaded();
    const clone = tf.clone(x);
    expect(uploaded()).toBe(before);
    x.dispose();
    expect(valuesOf(clone)).toEqual([-1, -2]);
    clone.dispose();
    expect(uploaded()).toBe(before - 1);
  });
});

describe('results', () => {
  it('of types that tfjs has under another name are its own', () => {
    const cast = (value: number) =>
      currentEngine().backend.executeSingleOutput(
        'Cast',
        [
          { name: 'SrcT', type: 4, value: DataType.float },
          { name: 'DstT', type: 4, value },
          { name: 'Truncate', type: 3, value: false },
        ],
        [tf.tensor([1, 0])],
      );
    expect(
      [DataType.double, DataType.int64, DataType.uint8, DataType.bool].map((type) => {
        const y = cast(type);
        return [y.dtype, valuesOf(y)];
      }),
    ).toEqual([
      ['float32', [1, 0]],
      ['int32', [1, 0]],
      ['int32', [1, 0]],
      ['bool', [1, 0]],
    ]);
  });

  it('of types that tfjs lacks are refused, and freed', () => {
    const { backend, binding } = currentEngine();
    const x = tf.tensor([1]);
    backend.idOf(x);
    const [before, handles] = [uploaded(), binding.runtime.handles];
    const attrs = [
      { name: 'SrcT', type: 4, value: DataType.float },
      { name: 'DstT', type: 4, value: DataType.half },
      { name: 'Truncate', type: 3, value: false },
    ];
    expect(() => backend.executeSingleOutput('Cast', attrs, [x])).toThrow(
      `a result has TensorFlow type ${DataType.half}, which tfjs lacks; cast it in the graph`,
    );
    expect([uploaded(), binding.runtime.handles]).toEqual([before, handles]);
  });
});

describe('tensors that are gone', () => {
  it('are refused by name and shape: at once, read, and read later', async () => {
    const x = tf.neg(tf.tensor([[1, 2]]));
    const { dataId, shape, dtype } = x;
    const { backend } = currentEngine();
    x.dispose();
    expect(() => backend.idOf({ dataId, shape, dtype })).toThrow('tensor [1,2] was disposed');
    expect(() => backend.readSync(dataId)).toThrow('a tensor was disposed');
    await expect(backend.read(dataId)).rejects.toThrow('a tensor was disposed');
  });
});
