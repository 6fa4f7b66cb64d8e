/** What a failed step, a clone of its state, or a wrong use of `compile` must not do: hand out wrong values, or leak. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { currentEngine } from '../src/engine.js';
import { compile, EngineError } from '../src/index.js';
import { startEngine } from './support/start-engine.js';

beforeAll(startEngine);

type Pair = { a: tf.Tensor; b: tf.Tensor };
const at = (index: number) => tf.tensor1d([index], 'int32');
/** `a` is updated before `b`, whose update fails for an index outside. */
const two = compile(({ a, b }: Pair, index: tf.Tensor) => ({ a: tf.add(a, 100), b: tf.add(b, tf.gather(b, index)) }), {
  state: 0,
  name: 'two',
});
const pair = (): Pair => ({ a: tf.tensor([1, 2]), b: tf.tensor([3, 4]) });
const counts = () => {
  const { binding } = currentEngine();
  return { handles: binding.runtime.handles, slots: binding.slots.size, tensors: tf.memory().numTensors };
};

describe('state of a failed step', () => {
  it('stays unreadable through a clone and the steps after it', async () => {
    const broken = two(pair(), at(9));
    const clone = tf.clone(broken.a);
    await expect(broken.a.data()).rejects.toThrow(/is not in/);
    const next = two(broken, at(0));
    await expect(next.a.data()).rejects.toThrow(/is not in/);
    await expect(clone.data()).rejects.toThrow(/is not in/);
    tf.dispose([next, clone]);
  });

  it('spoils a state that is put together from it and a healthy one, whatever their order', async () => {
    const healthy = two(pair(), at(0));
    const broken = two(pair(), at(9));
    const mixed = two({ a: healthy.a, b: broken.b }, at(0));
    await expect(mixed.a.data()).rejects.toThrow(/is not in/);
    tf.dispose([mixed, healthy.b, broken.a]);
  });

  it('does not spoil what another, healthy step wrote', async () => {
    const healthy = two(pair(), at(0));
    const broken = two(pair(), at(9));
    // Asked for while the failure is still on its way.
    expect([...healthy.a.dataSync()]).toEqual([101, 102]);
    expect([...tf.add(healthy.b, 0).dataSync()]).toEqual([6, 7]);
    await expect(broken.b.data()).rejects.toThrow(/is not in/);
    const fresh = two(pair(), at(1));
    expect([...fresh.b.dataSync()]).toEqual([7, 8]);
    tf.dispose([healthy, broken, fresh]);
  });

  it('names the function, the device and the shapes of its arguments', async () => {
    const broken = two(pair(), at(9));
    const error = (await broken.b.data().catch((reason: unknown) => reason)) as EngineError;
    expect(error).toBeInstanceOf(EngineError);
    expect(error).toMatchObject({ op: 'two', device: 'cpu', inputShapes: [[2], [2], [1]] });
    tf.dispose(broken);
  });
});

describe('handles', () => {
  it('stay as many with clones of the state, failed calls and failed inputs', () => {
    const count = (): void => {
      let state = two(pair(), at(0));
      const clone = tf.clone(state.a);
      const outside = tf.scalar(1);
      const uses = compile(({ a, b }: Pair) => ({ a: tf.add(a, outside), b }), { state: 0, name: 'uses' });
      state = uses(state);
      outside.dispose();
      const second = tf.clone(state.b);
      expect(() => uses(state)).toThrow(/disposed/);
      expect(() =>
        tf.add(
          state.a,
          tf.tidy(() => disposed()),
        ),
      ).toThrow(/disposed/);
      expect([...state.a.dataSync()]).toEqual([102, 103]);
      expect([...clone.dataSync()]).toEqual([101, 102]);
      tf.dispose([state, clone, second]);
      uses.dispose();
    };
    const disposed = (): tf.Tensor => {
      const tensor = tf.tensor([1, 2]);
      tensor.dispose();
      return tensor;
    };
    count();
    tf.tidy(count);
    const before = counts();
    for (let i = 0; i < 10; i++) tf.tidy(count);
    expect(counts()).toEqual(before);
  });
});

describe('variables', () => {
  it('are not assigned, nor made, while a function is traced, and keep their values', () => {
    const b = tf.variable(tf.tensor([1, 2]));
    const assigns = compile((x: tf.Tensor) => {
      b.assign(x);
      return tf.neg(x);
    });
    expect(() => assigns(tf.tensor([5, 6]))).toThrow(
      /tf\.Variable\.assign changes the variable .* at .*compile-failures/,
    );
    const makes = compile((x: tf.Tensor) => tf.variable(x));
    expect(() => makes(tf.tensor([5, 6]))).toThrow(/tf\.variable makes a variable/);
    expect([...b.dataSync()]).toEqual([1, 2]);
    b.assign(tf.tensor([7, 8]));
    expect([...b.dataSync()]).toEqual([7, 8]);
    b.dispose();
  });
});

describe('gradients', () => {
  it('of a tensor and its clone, both used from outside, are those of plain tfjs', () => {
    const w = tf.tensor([2, 3]);
    const run = (call: (x: tf.Tensor) => tf.Tensor) =>
      tf.tidy(() =>
        tf
          .grads((v: tf.Tensor) => call(tf.clone(v)))([w])[0]!
          .dataSync(),
      );
    const plain = run((c) => tf.add(tf.mul(w, 10), c));
    const clone = tf.clone(w);
    const both = compile((x: tf.Tensor) => tf.add(tf.add(tf.mul(w, 10), clone), x));
    const grads = tf.tidy(() =>
      tf
        .grads((a: tf.Tensor, b: tf.Tensor) =>
          tf.mul(both(tf.zeros([2])), tf.add(tf.mul(a, 0), tf.add(tf.mul(b, 0), 1))),
        )([w, clone])
        .map((g) => [...g.dataSync()]),
    );
    expect(grads).toEqual([
      [10, 10],
      [1, 1],
    ]);
    expect([...plain]).toEqual([11, 11]);
  });
});

describe('reads', () => {
  it('may be a thousand at a time, and leave threads for files', async () => {
    const slow = compile((x: tf.Tensor2D) => {
      let y = x;
      for (let i = 0; i < 8; i++) y = tf.matMul(y, x);
      return y;
    });
    const x = tf.fill([900, 900], 1 / 900) as tf.Tensor2D;
    tf.dispose(slow(x));
    const results = Array.from({ length: 8 }, () => slow(x));
    const small = Array.from({ length: 1000 }, (_, i) => tf.scalar(i));
    const reads = [...results, ...small].map((tensor) => tensor.data());
    let done = false;
    const last = results[7]!.data().then(() => {
      done = true;
    });
    await readFile(fileURLToPath(import.meta.url));
    expect(done).toBe(false);
    const values = await Promise.all(reads);
    await last;
    expect(values.slice(8).map((read) => read[0])).toEqual(small.map((_, i) => i));
    tf.dispose([x, results, small]);
  });
});

describe('options and arguments', () => {
  it('precisions that there are not', () => {
    // @ts-expect-error not one of the names
    expect(() => compile(() => tf.scalar(1), { precision: 'fp8' })).toThrow(/precision is 'fp8'; one of float32/);
  });

  it('typed arrays, whose values could change unnoticed', () => {
    const scaled = compile((x: tf.Tensor, factors: Float32Array) => tf.mul(x, factors[0]!));
    expect(() => scaled(tf.scalar(1), Float32Array.of(2))).toThrow(/args\[1\] is a Float32Array.*tf\.tensor/);
  });

  it('warns of a new function at each call, and of objects without prototype', async () => {
    const warnings: string[] = [];
    const listen = (warning: Error) => warnings.push(warning.message);
    process.on('warning', listen);
    const mapped = compile((x: tf.Tensor, fn: (y: tf.Tensor) => tf.Tensor) => fn(x), { name: 'mapped' });
    for (let i = 0; i < 6; i++) mapped(tf.scalar(1), (y) => tf.neg(y));
    const bare = compile((o: { x: number }) => tf.scalar(o.x), { name: 'bare' });
    for (let i = 0; i < 6; i++) bare(Object.assign(Object.create(null), { x: i }));
    await new Promise((resolve) => setTimeout(resolve, 20));
    process.off('warning', listen);
    expect(warnings.filter((text) => /'mapped'.*args\[1\] keeps changing.*function #/.test(text))).toHaveLength(1);
    expect(warnings.filter((text) => /'bare'.*args\[0\]\.x keeps changing/.test(text))).toHaveLength(1);
  });

  it('layer norm compiles with XLA too', () => {
    const run = (xla: boolean) =>
      tf.tidy(() => {
        const call = compile(
          (x: tf.Tensor, one: tf.Tensor) =>
            tf
              .engine()
              .runKernel<tf.Tensor[]>('LayerNorm', { x, scale: one, offset: tf.zerosLike(one) }, { epsilon: 1e-5 })[0]!,
          { xla },
        );
        return [...call(tf.tensor2d([[1, 2, 3, 4]]), tf.ones([4])).dataSync()];
      });
    run(true).forEach((value, i) => {
      expect(value).toBeCloseTo(run(false)[i]!, 5);
    });
  });
});
