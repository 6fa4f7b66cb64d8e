import { describe, expect, it } from 'vitest';
import { type Answers, fakeNative } from '../test/support/fake-native.js';
import { TensorBinding } from './binding.js';
import { DataType } from './capi/data-type.js';
import { chooseDevice, type Device } from './devices.js';
import { EngineError } from './errors.js';
import { Runtime } from './runtime.js';
import { SharedHandle } from './slots.js';

// What depends on devices, on failures and on the order of calls; values are compared in the tests of operations.

const CPU: Device = { name: '/device:CPU:0', type: 'CPU', memoryBytes: 1 };
const GPU: Device = { name: '/device:GPU:0', type: 'GPU', memoryBytes: 1 };
const [CONTEXT, UPLOADED, ON_GPU] = [1n, 50n, 60n];

function open(devices: readonly Device[] = [CPU], answers: Answers = {}) {
  const fake = fakeNative({
    TF_Version: () => '2.21.0',
    TF_TensorData: () => null,
    TFE_NewTensorHandle: () => UPLOADED,
    TFE_TensorHandleCopyToDevice: () => ON_GPU,
    TFE_TensorHandleNumDims: () => 2,
    TFE_TensorHandleDim: (_handle: unknown, axis: number) => [2n, 3n][axis],
    TFE_TensorHandleDataType: () => DataType.float,
    TFE_Execute: (_op: unknown, results: unknown[]) => {
      results.fill(70n);
    },
    ...answers,
  });
  const runtime = new Runtime(fake.native, CONTEXT, devices, chooseDevice(devices));
  return { ...fake, runtime, binding: new TensorBinding(runtime) };
}
/** An empty tensor: nothing has to be written into the fake's memory. */
const upload = (binding: TensorBinding, dtype: number) => binding.createTensor([0], dtype, new Float32Array(0));

describe('uploads', () => {
  it('of floats go on to the GPU, the copy on the CPU is freed; integers stay on the CPU, where kernels want them', () => {
    const { binding, runtime, named } = open([CPU, GPU]);
    const floats = upload(binding, DataType.float);
    expect(named('TFE_TensorHandleCopyToDevice')[0]!.slice(1, 4)).toEqual([UPLOADED, CONTEXT, GPU.name]);
    expect(named('TFE_DeleteTensorHandle')).toEqual([['TFE_DeleteTensorHandle', UPLOADED]]);
    expect(binding.slots.get(floats)).toMatchObject({ handle: ON_GPU });
    const integers = upload(binding, DataType.int32);
    expect(binding.slots.get(integers)).toMatchObject({ handle: UPLOADED });
    expect(named('TFE_TensorHandleCopyToDevice')).toHaveLength(1);
    expect(runtime.handles).toBe(2);
  });

  it('stay where they are on a machine without one', () => {
    const { binding, named } = open();
    expect(binding.slots.get(upload(binding, DataType.float))).toMatchObject({ handle: UPLOADED });
    expect(named('TFE_TensorHandleCopyToDevice')).toEqual([]);
    expect(binding.isUsingGpuDevice()).toBe(false);
  });

  it('that the GPU has no room for are an error, and leave no handle', () => {
    const { binding, runtime, named, fail } = open([CPU, GPU], {
      TFE_TensorHandleCopyToDevice: () => {
        fail(8, 'out of memory');
        return null;
      },
    });
    expect(() => upload(binding, DataType.float)).toThrow(
      expect.objectContaining({ code: 'resource-exhausted', op: 'upload', device: GPU.name, inputShapes: [[0]] }),
    );
    expect(named('TFE_DeleteTensorHandle')).toEqual([['TFE_DeleteTensorHandle', UPLOADED]]);
    expect([runtime.handles, binding.getNumOfTensors()]).toEqual([0, 0]);
  });
});

describe('operations', () => {
  it('run on the chosen device by name where there are several', () => {
    const { binding, named } = open([CPU, GPU]);
    binding.executeOp('Neg', [], [upload(binding, DataType.float)], 1);
    expect(named('TFE_OpSetDevice')[0]![2]).toBe(GPU.name);
    const alone = open();
    alone.binding.executeOp('Neg', [], [upload(alone.binding, DataType.float)], 1);
    expect(alone.named('TFE_OpSetDevice')).toEqual([]);
  });

  it('return the shapes and types that TensorFlow found', () => {
    const { binding, runtime } = open();
    const x = upload(binding, DataType.float);
    const [y] = binding.executeOp('Neg', [], [x], 1);
    expect(y).toEqual({ id: y!.id, shape: [2, 3], dtype: DataType.float });
    expect(runtime.handles).toBe(2);
    binding.deleteTensor(y!.id);
    binding.deleteTensor(x);
    expect([runtime.handles, binding.getNumOfTensors()]).toEqual([0, 0]);
  });

  it('that fail name operation, device and shapes, and free the operation', () => {
    const { binding, runtime, named, fail } = open([CPU], {
      TFE_Execute: () => fail(3, 'bad axis'),
    });
    const x = upload(binding, DataType.float);
    expect(() => binding.executeOp('Sum', [], [x], 1)).toThrow(
      'Sum on /device:CPU:0 inputs [0]: bad axis (invalid-argument).',
    );
    expect(named('TFE_DeleteOp')).toHaveLength(1);
    expect(runtime.handles).toBe(1);
  });

  it('of tensors that are gone are refused before TensorFlow is asked', () => {
    const { binding, named } = open();
    const x = upload(binding, DataType.float);
    binding.deleteTensor(x);
    expect(() => binding.executeOp('Neg', [], [x], 1)).toThrow(EngineError);
    expect(() => binding.executeOp('Neg', [], [x], 1)).toThrow(/is gone: it was disposed/);
    expect(named('TFE_Execute')).toEqual([]);
  });

  it('deleting twice frees once', () => {
    const { binding, named } = open();
    const x = upload(binding, DataType.float);
    binding.deleteTensor(x);
    binding.deleteTensor(x);
    expect(named('TFE_DeleteTensorHandle')).toHaveLength(1);
  });
});

describe('enqueue', () => {
  it('tries again after the queue refused for an earlier failure, and no more than once', () => {
    let attempts = 0;
    const { binding, named, fail } = open([CPU], {
      TFE_Execute: (_op: unknown, results: unknown[]) => {
        if (attempts++ === 0) fail(3, 'an earlier call failed');
        else results.fill(70n);
      },
    });
    expect(binding.enqueue('AddN', [], [], 1)).toEqual([70n]);
    expect(named('TFE_ExecutorClearError')).toHaveLength(1);
    const broken = open([CPU], { TFE_Execute: () => broken.fail(3, 'its own fault') });
    expect(() => broken.binding.enqueue('AddN', [], [], 1)).toThrow(/its own fault/);
    expect(broken.named('TFE_Execute')).toHaveLength(2);
  });
});

describe('state variables', () => {
  const VALUE = 70n;
  const withVariable = (answers: Answers = {}) => {
    const opened = open([CPU], answers);
    const { binding, runtime } = opened;
    const token = new SharedHandle(30n, (handle) => runtime.deleteHandle(handle)).retain();
    const id = binding.slots.add({ kind: 'variable', resource: 20n, written: token, shape: [2, 3], dtype: 1 });
    return { ...opened, id };
  };

  it('are read on the queue, and what was read is given back when it has been used', () => {
    const { binding, id, named, runtime } = withVariable();
    const value = binding.readable(id);
    expect(value).toMatchObject({ handle: VALUE, shape: [2, 3] });
    expect(named('TFE_NewOp')[0]![2]).toBe('ReadVariableOp');
    expect(named('TFE_ContextSetExecutorForThread')).toHaveLength(2);
    binding.release(value);
    expect(named('TFE_DeleteTensorHandle')).toEqual([['TFE_DeleteTensorHandle', VALUE]]);
    expect(runtime.handles).toBe(0);
  });

  it('free resource and token together', () => {
    const { binding, id, named } = withVariable();
    binding.deleteTensor(id);
    expect(named('TFE_DeleteTensorHandle').map(([, handle]) => handle)).toEqual([20n, 30n]);
  });

  it('are looked at again, once, when the read came with the failure of another call', () => {
    let reads = 0;
    const { binding, id, named, fail } = withVariable({
      TFE_TensorHandleResolve: () => {
        if (reads++ === 0) fail(3, 'another call failed');
        return 5n;
      },
    });
    expect(binding.executeOp('Neg', [], [id], 1)).toHaveLength(1);
    expect(named('TFE_ExecutorWaitForAllPendingNodes').length).toBeGreaterThan(0);
    const broken = withVariable({
      TFE_TensorHandleResolve: () => {
        broken.fail(3, 'the step itself failed');
        return null;
      },
    });
    expect(() => broken.binding.executeOp('Neg', [], [broken.id], 1)).toThrow(/the step itself failed/);
    expect(broken.binding.slots.size).toBe(1);
  });
});
