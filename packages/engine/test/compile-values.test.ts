/** What goes into a compiled function and what comes out: nestings, plain values, retracing, captures, options. */
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { compile } from '../src/index.js';
import { testWithoutLeaks } from './support/leak-free.js';
import { valuesOf } from './support/start-engine.js';

testWithoutLeaks();

/** Warnings of this process, instead of on the terminal. */
const warnings: Error[] = [];
beforeAll(() => {
  process.removeAllListeners('warning');
  process.on('warning', (warning) => warnings.push(warning));
});
/** Warnings come a tick after their cause. */
async function warningsOf(run: () => void): Promise<Error[]> {
  await new Promise(setImmediate);
  warnings.length = 0;
  run();
  await new Promise(setImmediate);
  return [...warnings];
}

describe('arguments and results', () => {
  it('keeps any nesting of arrays, objects, Maps and plain values', () => {
    const f = compile((arg: { list: tf.Tensor[]; map: Map<string, tf.Tensor>; scale: number; mode: string }) => ({
      sum: tf.add(arg.list[0]!, tf.mul(arg.list[1]!, arg.scale)),
      deep: [{ doubled: new Map([['w', tf.mul(arg.map.get('w')!, 2)]]) }],
      plain: { mode: arg.mode, scale: arg.scale, nothing: null, absent: undefined, on: true },
    }));
    const result = f({
      list: [tf.tensor([1, 2]), tf.tensor([3, 4])],
      map: new Map([['w', tf.scalar(7)]]),
      scale: 10,
      mode: 'fast',
    });
    expect(valuesOf(result.sum)).toEqual([31, 42]);
    expect(valuesOf(result.deep[0]!.doubled.get('w')!)).toEqual([14]);
    expect(result.plain).toEqual({ mode: 'fast', scale: 10, nothing: null, absent: undefined, on: true });
  });

  it('keeps subclasses of Map', () => {
    class Weights extends Map<string, tf.Tensor> {
      total(): tf.Tensor {
        return tf.addN([...this.values()]);
      }
    }
    const f = compile((weights: Weights) => new Weights([['total', weights.total()]]));
    const result = f(
      new Weights([
        ['a', tf.scalar(1)],
        ['b', tf.scalar(2)],
      ]),
    );
    expect(result).toBeInstanceOf(Weights);
    expect(valuesOf(result.total())).toEqual([3]);
  });

  it('returns arguments, one tensor twice, constants and captures', () => {
    const outside = tf.tensor([8, 9]);
    const f = compile((x: tf.Tensor) => {
      const y = tf.neg(x);
      return { x, twice: [y, y], constant: tf.tensor([5, 6], [2], 'int32'), outside };
    });
    const x = tf.tensor([1, 2]);
    const result = f(x);
    expect(valuesOf(result.x)).toEqual([1, 2]);
    expect(result.twice.map(valuesOf)).toEqual([
      [-1, -2],
      [-1, -2],
    ]);
    expect(valuesOf(result.constant)).toEqual([5, 6]);
    expect(result.constant.dtype).toBe('int32');
    expect(valuesOf(result.outside)).toEqual([8, 9]);
    tf.dispose([result.x, result.outside, result.twice[0]!]);
    expect(valuesOf(x)).toEqual([1, 2]);
    expect(valuesOf(outside)).toEqual([8, 9]);
    expect(valuesOf(result.twice[1]!)).toEqual([-1, -2]);
  });

  it('takes functions without tensors at either end', () => {
    expect(compile((n: number) => n * 2)(21)).toBe(42);
    expect(valuesOf(compile(() => tf.scalar(3))())).toEqual([3]);
    expect(compile((_: tf.Tensor) => 'done')(tf.scalar(1))).toBe('done');
    expect(compile(() => undefined)()).toBeUndefined();
  });

  it('keeps scalars, empty tensors and every type', () => {
    const f = compile((tensors: tf.Tensor[]) => tensors.map((tensor) => tf.clone(tensor)));
    const inputs = [
      tf.scalar(1.5),
      tf.tensor([], [0, 3]),
      tf.tensor([1, 2], [2], 'int32'),
      tf.tensor([1, 0], [2], 'bool'),
      tf.tensor(['Zürich', ''], [2], 'string'),
      tf.complex([1, 2], [3, 4]),
    ];
    const outputs = f(inputs);
    outputs.forEach((output, i) => {
      expect(output.shape).toEqual(inputs[i]!.shape);
      expect(output.dtype).toBe(inputs[i]!.dtype);
      expect(Array.from(output.dataSync<'string'>())).toEqual(Array.from(inputs[i]!.dataSync<'string'>()));
    });
  });

  it('refuses an object of a class that hides tensors, and says how to pass them', () => {
    class Layer {
      constructor(readonly weight: tf.Tensor) {}
    }
    const f = compile((layer: Layer) => tf.neg(layer.weight), { name: 'step' });
    expect(() => f(new Layer(tf.scalar(1)))).toThrow(/args\[0\] is an object of class Layer .*'weight'.*Maps/);
  });

  it('gives results that can be read later, in any order', async () => {
    const f = compile((x: tf.Tensor) => [tf.square(x), tf.neg(x)]);
    const pending = [1, 2, 3].flatMap((n) => f(tf.scalar(n)).map((result) => result.data()));
    expect((await Promise.all(pending)).map(([value]) => value)).toEqual([1, -1, 4, -2, 9, -3]);
  });

  it('frees what the function made on the way', () => {
    const f = compile((x: tf.Tensor) => tf.sum(tf.square(tf.add(x, 1))));
    const x = tf.ones([3]);
    const before = tf.memory().numTensors;
    for (let i = 0; i < 3; i++) f(x).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('retracing', () => {
  it('traces once for each structure, shape, type and plain value', () => {
    const f = compile((x: unknown, _plain?: unknown) => tf.scalar(Array.isArray(x) ? x.length : 0));
    const traces = (...args: [unknown, unknown?]): number => {
      f(...args);
      return f.traces;
    };
    expect(traces(tf.zeros([2]))).toBe(1);
    expect(traces(tf.ones([2]))).toBe(1);
    expect(traces(tf.zeros([3]))).toBe(2);
    expect(traces(tf.zeros([2, 1]))).toBe(3);
    expect(traces(tf.zeros([2], 'int32'))).toBe(4);
    expect(traces([tf.zeros([2])])).toBe(5);
    expect(traces([[tf.zeros([2])]])).toBe(6);
    expect(traces({ x: tf.zeros([2]) })).toBe(7);
    expect(traces({ y: tf.zeros([2]) })).toBe(8);
    expect(traces(new Map([['x', tf.zeros([2])]]))).toBe(9);
    expect(traces(tf.zeros([2]), 1)).toBe(10);
    expect(traces(tf.zeros([2]), '1')).toBe(11);
    expect(traces(tf.zeros([2]), undefined)).toBe(12);
    expect(traces(tf.zeros([2]))).toBe(12);
  });

  it('tells plain values apart as Object.is does', () => {
    const f = compile((n: number) => 1 / n);
    expect([f(NaN), f(NaN), f.traces]).toEqual([NaN, NaN, 1]);
    expect([f(0), f(-0), f.traces]).toEqual([Infinity, -Infinity, 3]);
  });

  it('is not confused by plain values that spell a structure', () => {
    const f = compile((...args: unknown[]) => args.length);
    expect([f([]), f('array', 0), f('map', 0), f(new Map()), f('object', 0), f({})]).toEqual([1, 2, 2, 1, 2, 1]);
  });

  it('keeps the most recently used traces, up to the bound', () => {
    const f = compile((x: tf.Tensor) => tf.neg(x), { cacheSize: 2 });
    const call = (length: number) => valuesOf(f(tf.ones([length])));
    for (const length of [1, 2, 1, 3, 1]) call(length);
    expect(f.traces).toBe(3);
    expect(call(2)).toEqual([-1, -1]);
    expect(f.traces).toBe(4);
    expect(() => compile(() => 0, { cacheSize: 0 })).toThrow(/cacheSize is 0/);
  });

  it('warns once, naming the argument that keeps changing', async () => {
    const f = compile((x: tf.Tensor, options: { lr: number }) => tf.mul(x, options.lr), { name: 'sgd' });
    const seen = await warningsOf(() => {
      for (let i = 0; i < 8; i++) f(tf.ones([2]), { lr: i / 10 });
    });
    expect(seen).toHaveLength(1);
    expect(seen[0]!.name).toBe('EngineWarning');
    expect(seen[0]!.message).toMatch(/compile 'sgd' was traced 5 times because args\[1\]\.lr keeps changing/);
    expect(seen[0]!.message).toMatch(/lately 0\.3 -> 0\.4.*tf\.scalar/);
  });

  it('does not warn for a few shapes in turn', async () => {
    const f = compile((x: tf.Tensor) => tf.neg(x));
    const seen = await warningsOf(() => {
      for (let i = 0; i < 12; i++) f(tf.ones([1 + (i % 3)]));
    });
    expect(seen).toHaveLength(0);
    expect(f.traces).toBe(3);
  });

  it('traces anew after dispose()', () => {
    const f = compile((x: tf.Tensor) => tf.neg(x));
    const pending = f(tf.scalar(1));
    f.dispose();
    expect(valuesOf(pending)).toEqual([-1]);
    expect(valuesOf(f(tf.scalar(2)))).toEqual([-2]);
    expect(f.traces).toBe(2);
    f.dispose();
    f.dispose();
  });
});

describe('captures', () => {
  it('reads variables at each call, through views of them too', () => {
    const w = tf.variable(tf.tensor([1, 2]));
    const direct = compile((x: tf.Tensor) => tf.mul(x, w));
    const view = compile((x: tf.Tensor) => tf.add(tf.reshape(w, [2, 1]), x));
    const x = tf.scalar(10);
    expect([valuesOf(direct(x)), valuesOf(view(x))]).toEqual([
      [10, 20],
      [11, 12],
    ]);
    w.assign(tf.tensor([3, 4]));
    expect([valuesOf(direct(x)), valuesOf(view(x))]).toEqual([
      [30, 40],
      [13, 14],
    ]);
    expect([direct.traces, view.traces]).toEqual([1, 1]);
    w.dispose();
    expect(() => direct(x)).toThrow(/uses from outside was disposed/);
  });

  it('keeps a variable apart from the tensor that it began as', () => {
    const start = tf.tensor([1, 2]);
    const w = tf.variable(start);
    const f = compile(() => tf.add(tf.mul(start, 10), tf.reshape(w, [2])));
    expect(valuesOf(f())).toEqual([11, 22]);
    w.assign(tf.tensor([5, 5]));
    expect(valuesOf(f())).toEqual([15, 25]);
    w.dispose();
  });

  it('follows each of two variables that began as one', () => {
    const w = tf.variable(tf.tensor([1, 2]));
    const average = tf.variable(w);
    const f = compile(() => tf.reshape(average, [2, 1]));
    f();
    w.assign(tf.tensor([7, 7]));
    expect(valuesOf(f())).toEqual([1, 2]);
    average.assign(tf.tensor([5, 6]));
    expect(valuesOf(f())).toEqual([5, 6]);
    tf.dispose([w, average]);
  });

  it('sees a fixed tensor from outside, and says so once it is disposed', () => {
    const table = tf.tensor([1, 2]);
    const f = compile((x: tf.Tensor) => tf.add(x, table), { name: 'lookup' });
    expect(valuesOf(f(tf.scalar(1)))).toEqual([2, 3]);
    table.dispose();
    expect(() => f(tf.scalar(1))).toThrow(
      /compile 'lookup': a tensor \[2\] that the function uses from outside was disposed; keep it/,
    );
  });

  it('keeps constants that the function makes at its first call and holds on to', () => {
    let table: tf.Tensor | undefined;
    const f = compile((x: tf.Tensor) => {
      table ??= tf.keep(tf.tensor([1, 2]));
      return tf.add(x, table);
    });
    expect(valuesOf(f(tf.scalar(1)))).toEqual([2, 3]);
    expect(valuesOf(table!)).toEqual([1, 2]);
    expect(valuesOf(f(tf.tensor([1, 1])))).toEqual([2, 3]);
    expect(valuesOf(tf.neg(table!))).toEqual([-1, -2]);
    table!.dispose();
  });

  it('refuses a computed tensor kept from another trace', () => {
    let kept: tf.Tensor | undefined;
    const f = compile((x: tf.Tensor) => {
      kept ??= tf.keep(tf.square(x));
      return tf.add(x, kept);
    });
    f(tf.scalar(3));
    expect(() => f(tf.tensor([1, 2]))).toThrow(
      /is no value of the function being traced; it was kept from another one/,
    );
    expect(() => kept!.dataSync()).toThrow(/do not exist while the function is being traced|tracing has ended/);
    kept!.dispose();
  });
});

describe('nesting', () => {
  it('makes a compiled function part of the one that calls it', () => {
    const inner = compile((x: tf.Tensor) => tf.square(x));
    const outer = compile((x: tf.Tensor) => tf.add(inner(x), inner(tf.neg(x))));
    expect(valuesOf(outer(tf.scalar(3)))).toEqual([18]);
    expect([inner.traces, outer.traces]).toEqual([0, 1]);
  });

  it('gives its own results to the tidy around it', () => {
    const f = compile((x: tf.Tensor) => [tf.square(x), tf.neg(x)]);
    const x = tf.scalar(2);
    const before = tf.memory().numTensors;
    const kept = tf.tidy(() => f(x)[1]!);
    expect(tf.memory().numTensors).toBe(before + 1);
    expect(valuesOf(kept)).toEqual([-2]);
  });
});

describe('options', () => {
  // Positive all along, so that no cancellation blows rounding errors up.
  const a = () => tf.reshape(tf.square(tf.sin(tf.range(0, 128 * 128))), [128, 128]) as tf.Tensor2D;
  const net = (x: tf.Tensor2D): tf.Tensor => tf.relu(tf.matMul(tf.relu(tf.matMul(x, x)), x));
  const distance = (got: tf.Tensor, wanted: tf.Tensor): number =>
    valuesOf(tf.div(tf.norm(tf.sub(got, wanted)), tf.norm(wanted)))[0]!;

  it('float32 is the default and changes nothing', () => {
    expect(distance(compile(net)(a()), net(a()))).toBeLessThan(1e-6);
  });

  it('bfloat16 computes with less precision, and returns float32', () => {
    const result = compile(net, { precision: 'bfloat16' })(a());
    expect(result.dtype).toBe('float32');
    const error = distance(result, net(a()));
    expect(error).toBeGreaterThan(1e-6);
    expect(error).toBeLessThan(0.02);
  });

  it('float16 on the CPU is finite and close', () => {
    const result = compile(net, { precision: 'float16' })(a());
    expect(result.dtype).toBe('float32');
    expect(distance(result, net(a()))).toBeLessThan(0.02);
  });

  it('xla compiles to the same result', () => {
    const f = compile(net, { xla: true });
    expect(distance(f(a()), net(a()))).toBeLessThan(1e-5);
    const both = compile((x: tf.Tensor2D) => [net(x), tf.sum(x)] as const, { xla: true });
    expect(both(a())[1].shape).toEqual([]);
  });

  it('keeps each function apart by its options', () => {
    const exact = compile(net);
    const coarse = compile(net, { precision: 'bfloat16' });
    coarse(a());
    expect(distance(exact(a()), net(a()))).toBeLessThan(1e-6);
  });
});
