/** Steps that own their state: the same values as without, and clear errors for whoever still holds the old one. */

import {
  adamStep,
  type EmaState,
  emaUpdate,
  initEma,
  initOptimState,
  type OptimState,
  Params,
  planUpdates,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compile, EngineError } from '../src/index.js';
import { testWithoutLeaks } from './support/leak-free.js';
import { thrownBy, valuesOf } from './support/start-engine.js';

testWithoutLeaks();

type Pair = { a: tf.Tensor; b: tf.Tensor };
const pair = (): Pair => ({ a: tf.tensor([1, 2]), b: tf.tensor([30, 40]) });
const read = (state: Pair): number[][] => [valuesOf(state.a), valuesOf(state.b)];

/** The same steps with state in place and without. */
function expectSameSteps(step: (state: Pair, x: tf.Tensor) => Pair | { state: Pair }, steps = 4): void {
  const inPlace = compile(step, { state: 0 });
  let [mine, wanted] = [pair(), pair()];
  for (let i = 1; i <= steps; i++) {
    const [a, b] = [inPlace(mine, tf.scalar(i)), step(wanted, tf.scalar(i))];
    [mine, wanted] = ['state' in a ? a.state : a, 'state' in b ? b.state : b];
    expect(read(mine)).toEqual(read(wanted));
  }
  expect(inPlace.traces).toBe(1);
}

describe('values', () => {
  it('equal the pure step', () => {
    expectSameSteps(({ a, b }, x) => ({ a: tf.add(a, x), b: tf.mul(b, a) }));
  });

  it('of entries that swap places', () => {
    expectSameSteps(({ a, b }, x) => ({ a: tf.add(b, tf.sub(x, x)), b: a }));
    expectSameSteps(({ a, b }) => ({ a: b, b: a }));
  });

  it('of entries passed through', () => {
    expectSameSteps(({ a, b }, x) => ({ a, b: tf.add(b, x) }));
    expectSameSteps((state) => state);
  });

  it('of an entry that becomes a constant, or another argument', () => {
    expectSameSteps(({ b }, x) => ({ a: tf.tensor([5, 6]), b: tf.add(b, tf.mul(x, tf.ones([2]))) }));
    expectSameSteps((_, x) => ({ a: tf.mul(x, tf.ones([2])), b: tf.zeros([2]) }));
  });

  it('with other results beside the state, old and new values of it too', () => {
    const step = compile(
      ({ a, b }: Pair, x: tf.Tensor) => {
        const next = { a: tf.add(a, x), b };
        return { state: next, old: tf.mul(a, 1), sum: tf.sum(next.a), same: next.a, text: 'ok' };
      },
      { state: 0 },
    );
    const first = step(pair(), tf.scalar(1));
    expect([first.old, first.sum, first.same].map(valuesOf)).toEqual([[1, 2], [5], [2, 3]]);
    expect(first.text).toBe('ok');
    const second = step(first.state, tf.scalar(1));
    expect([valuesOf(second.old), valuesOf(second.sum), ...read(second.state)]).toEqual([
      [2, 3],
      [7],
      [3, 4],
      [30, 40],
    ]);
    expect([first.old, first.sum].map(valuesOf)).toEqual([[1, 2], [5]]);
  });

  it('with a result that echoes the old state', () => {
    const step = compile(({ a, b }: Pair) => [{ a: tf.add(a, 1), b }, a] as const, { state: 0 });
    const [state, old] = step(pair());
    const [next, older] = step(state);
    expect([valuesOf(old), valuesOf(older), ...read(next)]).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
      [30, 40],
    ]);
  });

  it('for state that is a tensor, a list, a Map, or not the first argument', () => {
    const counter = compile((n: tf.Tensor) => tf.add(n, 1), { state: 0 });
    expect(valuesOf(counter(counter(tf.scalar(1))))).toEqual([3]);
    const list = compile((x: number, [a]: tf.Tensor[]) => [tf.mul(a!, x)], { state: 1 });
    expect(list(3, list(3, [tf.scalar(1)])).map(valuesOf)).toEqual([[9]]);
    const map = compile((p: Params) => p.map((tensor) => tf.neg(tensor)), { state: 0 });
    const result = map(new Params([['w', tf.scalar(2)]]));
    expect(result).toBeInstanceOf(Params);
    expect(valuesOf(result.get('w')!)).toEqual([-2]);
  });

  it('of integer state', () => {
    const count = compile((n: tf.Tensor) => tf.add(n, tf.scalar(1, 'int32')), { state: 0 });
    const result = count(count(tf.scalar(5, 'int32')));
    expect([result.dtype, ...valuesOf(result)]).toEqual(['int32', 7]);
  });

  it('of a step traced anew for another batch shape', () => {
    const step = compile((w: tf.Tensor, x: tf.Tensor) => tf.add(w, tf.sum(x)), { state: 0 });
    expect(valuesOf(step(step(tf.scalar(0), tf.ones([2])), tf.ones([3])))).toEqual([5]);
    expect(step.traces).toBe(2);
  });
});

describe('Adam and EMA', () => {
  type State = { params: Params; optim: OptimState; ema: EmaState };
  const shapes: Record<string, number[]> = { 'layer.weight': [4, 3], 'layer.bias': [3], frozen: [2] };
  const keys = Object.keys(shapes);
  const weights = () =>
    new Params(
      keys.map((key, i) => {
        const shape = shapes[key]!;
        const size = shape.reduce((product, length) => product * length, 1);
        return [key, tf.reshape(tf.sin(tf.add(tf.range(0, size), i)), shape)];
      }),
    );

  for (const weightDecay of [0, 0.1]) {
    it(`equal the pure versions over five steps (weight decay ${weightDecay})`, () => {
      const plan = planFor(weightDecay);
      const step = ({ params, optim, ema }: State, x: tf.Tensor) => {
        const loss = (w: tf.Tensor, b: tf.Tensor) =>
          tf.sum(tf.square(tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D), b))) as tf.Scalar;
        const [w, b] = [params.get('layer.weight')!, params.get('layer.bias')!];
        const { value, grads } = tf.valueAndGrads(loss)([w, b]);
        const byKey = new Params([
          ['layer.weight', grads[0]!],
          ['layer.bias', grads[1]!],
        ]);
        const updated = adamStep(params, byKey, optim, plan);
        return {
          loss: value,
          state: { params: updated.params, optim: updated.state, ema: emaUpdate(ema, updated.params) },
        };
      };
      const begin = (): State => {
        const params = weights();
        return { params, optim: initOptimState(params, plan), ema: initEma(params.map((tensor) => tf.add(tensor, 0))) };
      };
      const inPlace = compile(step, { state: 0 });
      let [mine, wanted] = [begin(), begin()];
      for (let i = 0; i < 5; i++) {
        const x = tf.reshape(tf.cos(tf.add(tf.range(0, 8), i)), [2, 4]);
        const [a, b] = [inPlace(mine, x), step(wanted, x)];
        expect(valuesOf(a.loss)[0]).toBeCloseTo(valuesOf(b.loss)[0]!, 4);
        [mine, wanted] = [a.state, b.state];
        for (const part of ['params', 'm', 'v', 'shadow'] as const) {
          const of = (state: State) =>
            ({ params: state.params, m: state.optim.m, v: state.optim.v, shadow: state.ema.shadow })[part];
          for (const [key, tensor] of of(wanted)) {
            valuesOf(of(mine).get(key)!).forEach((value, at) => {
              expect(value).toBeCloseTo(valuesOf(tensor)[at]!, 5);
            });
          }
        }
        expect(valuesOf(mine.optim.step)).toEqual([i + 1]);
      }
      expect(inPlace.traces).toBe(1);
    });
  }

  it('an update whose result is thrown away changes nothing', () => {
    const plan = planFor(0);
    const step = compile(
      ({ params, optim }: Omit<State, 'ema'>) => {
        const trial = adamStep(params, params, optim, plan);
        return { state: { params, optim }, trial: trial.params.get('layer.bias')! };
      },
      { state: 0 },
    );
    const params = weights();
    const before = keys.map((key) => valuesOf(params.get(key)!));
    const { state, trial } = step({ params, optim: initOptimState(params, plan) });
    expect(keys.map((key) => valuesOf(state.params.get(key)!))).toEqual(before);
    expect(valuesOf(trial)).not.toEqual(before[1]);
    expect(valuesOf(state.optim.m.get('layer.bias')!)).toEqual([0, 0, 0]);
  });

  it('the old weights can still be used after the update', () => {
    const plan = planFor(0);
    const step = compile(
      ({ params, optim }: Omit<State, 'ema'>) => {
        const { params: next, state } = adamStep(params, params, optim, plan);
        const bias = 'layer.bias';
        return { state: { params: next, optim: state }, moved: tf.sub(next.get(bias)!, params.get(bias)!) };
      },
      { state: 0 },
    );
    const params = weights();
    const before = valuesOf(params.get('layer.bias')!);
    const { state, moved } = step({ params, optim: initOptimState(params, plan) });
    const after = valuesOf(state.params.get('layer.bias')!);
    valuesOf(moved).forEach((value, i) => {
      expect(value).toBeCloseTo(after[i]! - before[i]!, 6);
      expect(Math.abs(value)).toBeGreaterThan(1e-4);
    });
  });

  function planFor(weightDecay: number) {
    return planUpdates(
      new Map(
        keys.map((key) => [
          key,
          {
            key,
            shape: shapes[key]!,
            kind: 'parameter' as const,
            dtype: 'float32' as const,
            init: { kind: 'constant' as const, value: 0 },
          },
        ]),
      ),
      [
        { match: /^frozen/, lr: null },
        { match: /./, lr: 0.01, weightDecay },
      ],
    );
  }
});

describe('who holds what', () => {
  const step = compile(({ a, b }: Pair) => ({ a: tf.add(a, 1), b: tf.sub(b, 1) }), { state: 0, name: 'step' });

  it('the old state is consumed, and says by what', () => {
    const old = pair();
    step(old);
    for (const use of [() => old.a.dataSync(), () => tf.add(old.a, 1), () => tf.clone(old.b), () => step(old)]) {
      const error = thrownBy(use);
      expect(error).toBeInstanceOf(EngineError);
      expect(error.message).toMatch(
        /was consumed by the compiled step 'step', which updates its state in place; use the state that it returned/,
      );
    }
    expect(old.a.isDisposed).toBe(true);
    tf.dispose([old.a, old.b]);
  });

  it('reading asynchronously from the old state is refused as well', async () => {
    const old = pair();
    step(old);
    await expect((async () => old.a.data())()).rejects.toThrow(/consumed by the compiled step/);
  });

  it('clones keep the old value', () => {
    const first = pair();
    const before = tf.clone(first.a);
    const second = step(first);
    const between = tf.clone(second.a);
    const third = step(second);
    expect([before, between, third.a].map(valuesOf)).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
  });

  it('views keep the old value', () => {
    const first = pair();
    const view = tf.reshape(first.a, [2, 1]);
    const second = step(first);
    const later = tf.reshape(second.a, [1, 2]);
    const third = step(second);
    expect([view, later, third.a].map(valuesOf)).toEqual([
      [1, 2],
      [2, 3],
      [3, 4],
    ]);
  });

  it('values read, or asked for, before the next step are those of before', async () => {
    const first = step(pair());
    const asked = first.a.data();
    const doubled = tf.mul(first.a, 2);
    const second = step(first);
    const later = second.a.data();
    step(second);
    expect(Array.from(await asked)).toEqual([2, 3]);
    expect(valuesOf(doubled)).toEqual([4, 6]);
    expect(Array.from(await later)).toEqual([3, 4]);
  });

  it('state is an ordinary argument of other compiled functions, and their capture', () => {
    const state = step(pair());
    const score = compile((x: tf.Tensor) => tf.sum(x));
    const captured = compile(() => tf.neg(state.b));
    expect([valuesOf(score(state.a)), valuesOf(captured())]).toEqual([[5], [-29, -39]]);
    const next = step(state);
    expect(valuesOf(score(next.a))).toEqual([7]);
    expect(() => captured()).toThrow(/disposed|consumed/);
  });

  it('one step hands its state to another', () => {
    const other = compile(({ a, b }: Pair) => ({ a: tf.mul(a, 10), b }), { state: 0 });
    expect(read(step(other(step(pair()))))).toEqual([
      [21, 31],
      [28, 38],
    ]);
  });

  it('the entries may come from different steps', () => {
    const [one, two] = [step(pair()), step(step(pair()))];
    const mixed = step({ a: one.a, b: two.b });
    expect(read(mixed)).toEqual([
      [3, 4],
      [27, 37],
    ]);
    expect([valuesOf(one.b), valuesOf(two.a)]).toEqual([
      [29, 39],
      [3, 4],
    ]);
  });

  it('inside tf.tidy the new state is the result, and nothing leaks', () => {
    const before = tf.memory().numTensors;
    const state = tf.tidy(() => step(step(pair())));
    expect(tf.memory().numTensors).toBe(before + 2);
    expect(read(state)).toEqual([
      [3, 4],
      [28, 38],
    ]);
    let outer = state;
    for (let i = 0; i < 3; i++) outer = tf.tidy(() => step(outer));
    expect(read(outer)).toEqual([
      [6, 7],
      [25, 35],
    ]);
    expect(tf.memory().numTensors).toBe(before + 2);
  });

  it('refuses one tensor under two names', () => {
    const a = tf.tensor([1, 2]);
    expect(() => step({ a, b: a })).toThrow(/compile 'step': the state holds one tensor \[2\] twice/);
    expect(() => step({ a, b: tf.clone(a) })).toThrow(/twice/);
    expect(valuesOf(a)).toEqual([1, 2]);
  });

  it('refuses a batch that shares a tensor with the state', () => {
    const f = compile((state: tf.Tensor, x: tf.Tensor) => tf.add(state, x), { state: 0, name: 'f' });
    const a = tf.tensor([1, 2]);
    expect(() => f(a, a)).toThrow(/args\[1\] shares a tensor \[2\] with the state, which is updated in place/);
    expect(valuesOf(a)).toEqual([1, 2]);
  });

  it('refuses variables, missing arguments and results without the state', () => {
    const a = tf.variable(tf.tensor([1, 2]));
    expect(() => step({ a, b: tf.tensor([1, 2]) })).toThrow(/holds the tf\.Variable/);
    a.dispose();
    const late = compile((n: number) => n, { state: 1, name: 'late' });
    expect(() => late(1)).toThrow(/state is argument 1, but the call has 1 argument/);
    const forgets = compile(({ a }: Pair) => tf.sum(a), { state: 0, name: 'forgets' });
    const state = pair();
    expect(() => forgets(state)).toThrow(/compile 'forgets': the result holds no new state; return the state/);
    expect(read(state)).toEqual([
      [1, 2],
      [30, 40],
    ]);
    const merges = compile(({ a }: Pair) => ({ a, b: a }), { state: 0 });
    expect(() => merges(state)).toThrow(/the new state holds one tensor twice/);
    expect(read(state)).toEqual([
      [1, 2],
      [30, 40],
    ]);
  });
});

describe('a step that fails', () => {
  const pick = compile((w: tf.Tensor, at: tf.Tensor) => tf.add(w, tf.gather(w, at)), { state: 0, name: 'pick' });
  const at = (index: number) => tf.tensor1d([index], 'int32');

  it('poisons its state, with an error that says why', async () => {
    const broken = pick(pick(tf.tensor([1, 2]), at(0)), at(9));
    const error = thrownBy(() => broken.dataSync());
    expect(error).toBeInstanceOf(EngineError);
    expect(error.message).toMatch(/indices\[0\] = 9 is not in \[0, 2\)/);
    await expect(broken.data()).rejects.toThrow(/is not in/);
    const next = pick(broken, at(0));
    expect(() => next.dataSync()).toThrow(/is not in|EngineError/);
  });

  it('leaves other state, and the process, as they were', async () => {
    const healthy = pick(tf.tensor([1, 2]), at(1));
    const broken = pick(tf.tensor([5, 6]), at(7));
    await expect(broken.data()).rejects.toThrow(/is not in/);
    expect(valuesOf(pick(healthy, at(0)))).toEqual([6, 7]);
    expect(valuesOf(pick(tf.tensor([1, 2]), at(1)))).toEqual([3, 4]);
  });

  it('may take calls with it that were queued behind it, but never silently', async () => {
    const broken = pick(tf.tensor([5, 6]), at(7));
    const behind = pick(tf.tensor([1, 2]), at(1));
    await expect(broken.data()).rejects.toThrow(/is not in/);
    const outcome = await behind.data().then(
      (values) => Array.from(values),
      (error: Error) => error.message,
    );
    if (typeof outcome === 'string') expect(outcome).toMatch(/pick.*is not in/);
    else expect(outcome).toEqual([3, 4]);
    expect(valuesOf(pick(tf.tensor([1, 2]), at(1)))).toEqual([3, 4]);
  });
});
