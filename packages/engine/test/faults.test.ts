/** Whatever goes wrong throws an EngineError that says where, and the process goes on. */
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile, EngineError, useEngine } from '../src/index.js';
import { jsonOf } from './support/child.js';
import { startEngine, thrownBy, valuesOf } from './support/start-engine.js';

beforeAll(startEngine);

const linux = process.platform === 'linux';

describe("TensorFlow's errors", () => {
  it('carry operation, device, input shapes and text', () => {
    const [x, at] = [tf.ones([2, 3]), tf.tensor1d([5], 'int32')];
    const error = thrownBy(() => tf.gather(x, at)) as EngineError;
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ code: 'invalid-argument', op: 'GatherV2', inputShapes: [[2, 3], [1], []] });
    expect(error.device).toMatch(/CPU:0/);
    expect(error.message).toMatch(
      /^GatherV2 on .*CPU:0 inputs \[2,3\] \[1\] \[\]: .*indices\[0\] = 5 is not in \[0, 2\)/,
    );
    tf.dispose([x, at]);
  });

  it('of a compiled call come when its results are read, and name the function', async () => {
    const pick = compile((x: tf.Tensor, at: tf.Tensor) => tf.gather(x, at), { name: 'pick' });
    const [x, at] = [tf.ones([2, 3]), tf.tensor1d([5], 'int32')];
    const failed = pick(x, at);
    await expect(failed.data()).rejects.toThrow(/function_node pick.*indices\[0\] = 5 is not in \[0, 2\)/);
    await expect(failed.data()).rejects.toBeInstanceOf(EngineError);
    expect(() => tf.neg(failed).dataSync()).toThrow(EngineError);
    expect(valuesOf(tf.sum(x))).toEqual([6]);
    tf.dispose([x, at, failed]);
  });

  it.skipIf(!linux)('of running out of memory: a terabyte, eagerly', () => {
    const error = thrownBy(() => tf.fill([2 ** 19, 2 ** 19], 1)) as EngineError;
    expect(error).toBeInstanceOf(EngineError);
    expect(error.code).toBe('resource-exhausted');
    expect(error.message).toMatch(/OOM.*Memory ran out: use a smaller batch/s);
    expect(valuesOf(tf.fill([3], 2))).toEqual([2, 2, 2]);
  });
});

describe('misuse', () => {
  it('use after dispose', async () => {
    const gone = tf.tensor2d([[1, 2]]);
    gone.dispose();
    for (const use of [
      () => tf.add(gone, 1),
      () => tf.matMul(gone, tf.ones([2, 2])),
      () => tf.clone(gone),
      () => tf.reshape(gone, [2, 1]),
      () => gone.dataSync(),
      () => compile((x: tf.Tensor) => tf.neg(x))(gone),
      () => compile((x: tf.Tensor) => tf.neg(x), { state: 0 })(gone),
    ])
      expect(thrownBy(use).message).toMatch(/disposed/);
    await expect((async () => gone.data())()).rejects.toThrow(/disposed/);
  });

  it('tensors of another backend are refused with the way out, at once and as captures and arguments', async () => {
    await tf.setBackend('cpu');
    const foreign = tf.tensor([1, 2]);
    await tf.setBackend('tensorflow');
    const words =
      /lives on another tfjs backend; create it after 'await useEngine\(\)', or copy it: tf\.tensor\(await x\.data\(\)/;
    expect(() => tf.add(foreign, 1)).toThrow(words);
    expect(() => compile((x: tf.Tensor) => tf.neg(x))(foreign)).toThrow(words);
    expect(() => compile(() => tf.neg(foreign))()).toThrow(words);
    expect(valuesOf(tf.neg(tf.tensor(await foreign.data(), foreign.shape, foreign.dtype)))).toEqual([-1, -2]);
  });

  it('a compiled function while another backend is active, traced before or not; it works again then', async () => {
    const make = (name: string) => compile((x: tf.Tensor) => tf.mul(x, 2), { name });
    const [traced, fresh] = [make('traced'), make('fresh')];
    const x = tf.tensor([1, 2]);
    expect(valuesOf(traced(x))).toEqual([2, 4]);
    await tf.setBackend('cpu');
    try {
      for (const step of [traced, fresh]) {
        const error = thrownBy(() => step(x)) as EngineError;
        expect(error).toBeInstanceOf(EngineError);
        expect(error.code).toBe('usage');
        expect(error.message).toMatch(
          new RegExp(`^compile '${step.name}': .*active backend is 'cpu'.*await tf\\.setBackend\\('tensorflow'\\)`),
        );
        expect(thrownBy(() => tf.grad((y) => step(y))(x)).message).toContain("active backend is 'cpu'");
      }
    } finally {
      await tf.setBackend('tensorflow');
    }
    for (const step of [traced, fresh]) expect(valuesOf(step(x))).toEqual([2, 4]);
    expect([traced.traces, fresh.traces]).toEqual([1, 1]);
  });

  it('useEngine again: free with the same options or none, an error with others', async () => {
    expect((await useEngine()).device).toBe('cpu');
    expect((await useEngine({ device: 'cpu' })).device).toBe('cpu');
    expect((await useEngine({ deterministic: false, device: 'CPU' })).device).toBe('cpu');
    await expect(useEngine({ device: 'cpu', threads: 1 })).rejects.toThrow(
      /already running with threads: \d+, asked again with threads: 1; start another process/,
    );
  });
});

describe('in processes of their own', () => {
  it('device names and numbers that make no sense, and a proper start after them', async () => {
    const { outcomes, sum } = await jsonOf<{ outcomes: string[]; sum: number[] }>('start-options');
    expect(outcomes).toEqual([
      expect.stringMatching(/EngineError: .*device 'tpu' is neither 'cpu', 'gpu' nor 'gpu:<number>'/),
      expect.stringMatching(/EngineError: .*no device 'cpu:7'; libtensorflow lists: cpu/),
      expect.stringMatching(/EngineError: .*no device 'gpu:99'.*CUDA build/),
      expect.stringMatching(/EngineError: .*threads is 0; a whole number above 0 is wanted/),
      expect.stringMatching(/threads is 1\.5/),
      expect.stringMatching(/memoryLimitMiB is -1/),
      'started on cpu, 2 branches',
      expect.stringMatching(/already running with threads: 3, asked again with threads: 1;/),
      // The first call's branches count, whatever later ones say.
      'started on cpu, 2 branches',
      'started on cpu, 2 branches',
      'started on cpu, 2 branches',
    ]);
    expect(sum).toEqual([2]);
  });

  it('a worker thread is told to leave the engine to the main thread', async () => {
    const { errors, sum } = await jsonOf<{ errors: string[]; sum: number[] }>('worker');
    expect(errors[0]).toMatch(/EngineError: useEngine: the engine runs on the main thread only/);
    expect(errors[1]).toMatch(
      /EngineError: the engine is not running: call 'await useEngine\(\)' first, in this thread/,
    );
    expect(sum).toEqual([2, 3]);
  });

  it.skipIf(!linux)('a memory limit on the CPU: over it throws, below it goes on', async () => {
    type Caught = { code: string; message: string } | null;
    type Result = Record<'compiled' | 'pile', Caught> &
      Record<'before' | 'between', number[]> & { held: number; again: number };
    const result = await jsonOf<Result>('memory-limit');
    for (const part of ['compiled', 'pile'] as const) expect(result[part]?.code).toBe('resource-exhausted');
    // Known before the call ran; an eager operation finds out by itself.
    expect(result.compiled?.message).toMatch(/needs about \d+ MiB.*memoryLimitMiB is 400.*raise memoryLimitMiB/);
    expect(result.pile?.message).toMatch(/OOM.*raise memoryLimitMiB/s);
    for (const part of ['before', 'between'] as const) expect(result[part]).toEqual([1000]);
    // 64 MiB each.
    expect(result.held).toBeGreaterThanOrEqual(3);
    expect(result.held).toBeLessThanOrEqual(6);
    expect(result.again).toBe(2 ** 24);
  });

  it.skipIf(!linux)(
    'convolutions at the memory limit: those that do not fit throw, none ends the process',
    async () => {
      type Row = { share: number; form: string; outcome: string; after: number };
      const rows = await jsonOf<Row[]>('convolution-limit');
      const outcomes = (test: (row: Row) => boolean) => [...new Set(rows.filter(test).map(({ outcome }) => outcome))];
      expect(new Set(rows.map(({ after }) => after))).toEqual(new Set([1000]));
      expect(outcomes(({ share }) => share <= 0.3)).toEqual(['done']);
      expect(outcomes(({ share }) => share >= 0.9)).toEqual(['resource-exhausted']);
      // Each form fits somewhere and not elsewhere.
      for (const form of new Set(rows.map((row) => row.form)))
        expect(outcomes((row) => row.form === form)).toEqual(['done', 'resource-exhausted']);
    },
  );
});
