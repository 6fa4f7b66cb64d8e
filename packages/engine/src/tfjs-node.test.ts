import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { type Binding, int64ScalarOf, type KernelBackendBase, loadKernels } from './tfjs-node.js';

let Backend: ReturnType<typeof loadKernels>;
beforeAll(() => {
  tf.enableProdMode();
  Backend = loadKernels();
});

it("loads upstream's kernels for the name 'tensorflow', and the same class again", () => {
  const kernels = tf.getKernelsForBackend('tensorflow').map(({ kernelName }) => kernelName);
  expect(kernels.length).toBeGreaterThan(150);
  expect(kernels).toEqual(expect.arrayContaining(['Conv2D', 'BatchMatMul', 'Softmax', 'GatherV2']));
  expect(loadKernels()).toBe(Backend);
});

it('puts back what the kernels call and newer Nodes lack', () => {
  const util = createRequire(import.meta.url)('node:util') as {
    isNullOrUndefined(value: unknown): boolean;
    isArray(value: unknown): boolean;
  };
  expect([null, undefined, 0, '', false].map(util.isNullOrUndefined)).toEqual([true, true, false, false, false]);
  expect([[], new Float32Array(1), { length: 0 }].map(util.isArray)).toEqual([true, false, false]);
});

it('is built on a binding, and passes it what its kernels ask for', async () => {
  const calls: unknown[][] = [];
  const binding: Binding & Record<string, unknown> = {
    TF_FLOAT: 1,
    createTensor: (...args) => calls.push(['createTensor', ...args]),
    deleteTensor: () => {},
    tensorDataSync: () => Float32Array.of(1),
    executeOp: (...args) => {
      calls.push(['executeOp', ...args]);
      return [{ id: 8, shape: [2], dtype: 1 }];
    },
    isUsingGpuDevice: () => false,
  };
  const backend: KernelBackendBase = new Backend(binding, 'test');
  tf.registerBackend('tensorflow', () => backend);
  await tf.setBackend('tensorflow');
  const x = tf.tensor([1, 2]);
  expect(backend.tensorMap.get(x.dataId)).toMatchObject({ shape: [2], refCount: 1 });
  calls.length = 0;
  const y = backend.executeSingleOutput('Neg', [{ name: 'T', type: 4, value: 1 }], [x]);
  expect(calls).toEqual([
    ['createTensor', [2], 1, Float32Array.of(1, 2)],
    ['executeOp', 'Neg', [{ name: 'T', type: 4, value: 1 }], [1], 1],
  ]);
  expect([y.shape, y.dtype]).toEqual([[2], 'float32']);
});

it("knows tfjs-node's stand-in for int64 scalars from tensors", () => {
  const halves = Int32Array.of(5, 0);
  const standIn = { dataId: null, shape: [], dtype: 'int32', valueArray: halves } as object as tf.TensorInfo;
  expect(int64ScalarOf(standIn)).toBe(halves);
  expect(int64ScalarOf({ dataId: {}, shape: [], dtype: 'int32' })).toBeNull();
  expect(int64ScalarOf({ ...standIn, dataId: {} })).toBeNull();
});
