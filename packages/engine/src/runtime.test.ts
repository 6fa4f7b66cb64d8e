import { describe, expect, it } from 'vitest';
import { type Answers, fakeNative } from '../test/support/fake-native.js';
import type { Pointer } from './capi/native.js';
import { chooseDevice, type Device } from './devices.js';
import { Runtime } from './runtime.js';

const device = (type: string, index: number): Device => ({
  name: `/job:localhost/replica:0/task:0/device:${type}:${index}`,
  type,
  memoryBytes: 2 ** 30,
});
const CPU = device('CPU', 0);
const GPUS = [device('GPU', 0), device('GPU', 1)];
const [CONTEXT, DIRECT, QUEUE] = [1n, 2n, 3n];

function open(devices: readonly Device[] = [CPU], wanted?: string, answers: Answers = {}) {
  const fake = fakeNative({
    TFE_ContextGetExecutorForThread: () => DIRECT,
    TFE_NewExecutor: () => QUEUE,
    ...answers,
  });
  return { ...fake, runtime: new Runtime(fake.native, CONTEXT, devices, chooseDevice(devices, wanted)) };
}

describe('devices', () => {
  it('are named on each operation where there are several, and not where there is one', () => {
    expect(open([CPU]).runtime).toMatchObject({ onGpu: false, explicitDevice: null });
    expect(open([CPU, ...GPUS]).runtime).toMatchObject({ onGpu: true, explicitDevice: GPUS[0]!.name });
    expect(open([CPU, ...GPUS], 'gpu:1').runtime).toMatchObject({ onGpu: true, explicitDevice: GPUS[1]!.name });
    expect(open([CPU, ...GPUS], 'cpu').runtime).toMatchObject({ onGpu: false, explicitDevice: CPU.name });
  });
});

describe('queued', () => {
  it('switches this thread to the queue for as long as something is put there, failures included', () => {
    const { runtime, named } = open();
    const switches = () => named('TFE_ContextSetExecutorForThread').map((call) => call[2]);
    expect(
      runtime.queued(() => {
        expect(switches()).toEqual([QUEUE]);
        return 'result';
      }),
    ).toBe('result');
    expect(switches()).toEqual([QUEUE, DIRECT]);
    expect(() =>
      runtime.queued(() => {
        throw new Error('refused');
      }),
    ).toThrow('refused');
    expect(switches()).toEqual([QUEUE, DIRECT, QUEUE, DIRECT]);
  });

  it('goes on after a failure once drained', () => {
    const { runtime, named } = open();
    runtime.drain();
    expect(
      named('TFE_ExecutorWaitForAllPendingNodes', 'TFE_ExecutorClearError').map(([name, executor]) => [name, executor]),
    ).toEqual([
      ['TFE_ExecutorWaitForAllPendingNodes', QUEUE],
      ['TFE_ExecutorClearError', QUEUE],
    ]);
  });
});

describe('handles', () => {
  const deleted = ({ named }: Pick<ReturnType<typeof open>, 'named'>) =>
    named('TFE_DeleteTensorHandle').map(([, handle]) => handle);

  it('are deleted and counted', () => {
    const opened = open();
    opened.runtime.handles = 3;
    opened.runtime.deleteHandle(40n);
    expect(deleted(opened)).toEqual([40n]);
    expect(opened.runtime.handles).toBe(2);
  });

  it('wait for their readers before they are deleted, whether those succeed or not', async () => {
    const opened = open();
    const { runtime } = opened;
    let end: (value: string) => void = () => {};
    const first = runtime.whileReading(40n, () => new Promise<string>((resolve) => (end = resolve)));
    const second = runtime.whileReading(40n, () => Promise.reject(new Error('failed')));
    runtime.deleteHandle(40n);
    await expect(second).rejects.toThrow('failed');
    expect(deleted(opened)).toEqual([]);
    end('values');
    await expect(first).resolves.toBe('values');
    expect(deleted(opened)).toEqual([40n]);
  });

  it('that nobody deletes outlive their readers', async () => {
    const opened = open();
    await opened.runtime.whileReading(40n, () => Promise.resolve());
    expect(deleted(opened)).toEqual([]);
    opened.runtime.deleteHandle(40n);
    expect(deleted(opened)).toEqual([40n]);
  });
});

describe('reads on worker threads', () => {
  it('take two at a time, in the order they came, and pass failures on', async () => {
    let [running, most] = [0, 0];
    const order: Pointer[] = [];
    const { runtime, native } = open();
    const finish = new Map<Pointer, (error: unknown, tensor: Pointer) => void>();
    native.TFE_TensorHandleResolve!.async = (handle, _status, done) => {
      most = Math.max(most, ++running);
      order.push(handle);
      finish.set(handle, (error, tensor) => {
        running--;
        done(error, tensor);
      });
    };
    const reads = [1n, 2n, 3n, 4n].map((handle) => runtime.resolveOnWorker(handle, 9n));
    expect(order).toEqual([1n, 2n]);
    finish.get(2n)!(null, 20n);
    await expect(reads[1]).resolves.toBe(20n);
    await new Promise(setImmediate);
    expect(order).toEqual([1n, 2n, 3n]);
    finish.get(1n)!(new Error('lost'), 0n);
    await expect(reads[0]).rejects.toThrow('lost');
    await new Promise(setImmediate);
    for (const handle of [3n, 4n]) finish.get(handle)!(null, handle * 10n);
    expect(await Promise.all(reads.slice(2))).toEqual([30n, 40n]);
    expect(most).toBe(2);
    // A place is free again.
    const last = runtime.resolveOnWorker(5n, 9n);
    finish.get(5n)!(null, 50n);
    await expect(last).resolves.toBe(50n);
  });
});

describe('operation definitions', () => {
  it('are read when first asked for, and once', () => {
    const { runtime, named } = open([CPU], undefined, {
      TF_GetAllOpList: () => {
        throw new Error('read');
      },
    });
    expect(named('TF_GetAllOpList')).toEqual([]);
    expect(() => runtime.opDefs).toThrow('read');
  });
});
