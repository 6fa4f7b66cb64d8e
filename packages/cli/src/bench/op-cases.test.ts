import type * as Engine from '@codiff/engine';
import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { BenchSpec } from './case.js';
import { COMPOSED, opCase, opNames, phasesOf } from './op-cases.js';

type Results = tf.Tensor[][];
type Chain = (inputs: tf.Tensor[], weights: tf.Tensor[]) => Results;
/** What the first of the chain gave; whether only that one is computed, at once. */
const seen = vi.hoisted(() => ({ alone: true, name: '', values: [] as Float32Array[], shapes: [] as number[][] }));
vi.mock('@codiff/engine', async (original) => {
  const engine = await original<typeof Engine>();
  const first =
    (fn: Chain, { name }: { name: string }): Chain =>
    (inputs, weights) => {
      const [results] = tf.tidy(() => fn([inputs[0]!], weights)) as [tf.Tensor[]];
      seen.name = name;
      seen.values = results.map((y) => y.dataSync() as Float32Array);
      seen.shapes = results.map(({ shape }) => shape);
      return inputs.map((_, i) => (i === 0 ? results : results.map((y) => tf.clone(y))));
    };
  return {
    ...engine,
    compile: (...args: never[]) =>
      (seen.alone ? first : (engine.compile as typeof first))(...(args as never as [Chain, { name: string }])),
  };
});

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});
beforeEach(() => {
  seen.alone = true;
  // Each case keeps its inputs for as long as its process.
  tf.engine().startScope();
});
afterEach(() => tf.engine().endScope());

const specOf = (name: string, phase: BenchSpec['phase'] = 'forward'): BenchSpec => ({
  ...{ name, phase, mode: 'compiled', precision: 'float32', batch: 1 },
});
async function resultsOf(name: string, phase: BenchSpec['phase']) {
  const bench = opCase(specOf(name, phase));
  let called = 0;
  await bench.run(() => called++);
  expect(called).toBe(1);
  expect(seen.name).toBe(name);
  const { values, shapes } = seen;
  return { values, shapes, ...bench };
}
/** Those with a composed form of the same values; draws differ, and updates have their own file. */
const COMPARED = opNames.filter((name) => !/^(scalar-op|captured-700|random-|.*-update$|clip-)/.test(name));

describe('an operation', () => {
  it.each(COMPARED)('%s is what its composed form is', async (name) => {
    const phase = phasesOf(name).at(-1)!;
    // Wide convolutions have their own tests of gradients; here they would take long.
    const tried = name.includes('conv') ? 'forward' : phase;
    const [ours, plain] = [await resultsOf(name, tried), await resultsOf(name + COMPOSED, tried)];
    expect(ours.shapes).toEqual(plain.shapes);
    expect([ours.flops, ours.repeats]).toEqual([plain.flops, plain.repeats]);
    ours.values.forEach((values, i) => {
      const wanted = plain.values[i]!;
      let [most, worst] = [0, 0];
      for (let at = 0; at < wanted.length; at++) {
        most = Math.max(most, Math.abs(wanted[at]!));
        worst = Math.max(worst, Math.abs(wanted[at]! - values[at]!));
      }
      expect(most).toBeGreaterThan(0);
      expect(worst / most).toBeLessThan(1e-3);
    });
  });

  it('has gradients by input and weights in its step, and their arithmetic', async () => {
    const forward = await resultsOf('layer-norm', 'forward');
    expect(forward.shapes).toEqual([[1, 1024, 384]]);
    expect(forward.flops).toBeNull();
    expect((await resultsOf('layer-norm', 'step')).shapes).toEqual([[1, 1024, 384], [384], [384]]);
    const [once, thrice] = [opCase(specOf('linear')), opCase(specOf('linear', 'step'))];
    expect([once.flops, thrice.flops]).toEqual([2 * 1024 ** 3, 6 * 1024 ** 3]);
    const unweighted = [opCase(specOf('attention-1024x12')), opCase(specOf('attention-1024x12', 'step'))];
    expect(unweighted.map(({ flops }) => flops)).toEqual([4 * 1024 ** 2 * 384, 8 * 1024 ** 2 * 384]);
  });

  it('is refused by a name that there is not, with those that there are', () => {
    expect(() => opCase(specOf('gelo'))).toThrow(/no benchmark 'gelo'; there are block-64, .*\bgelu, geglu/);
  });
});

describe('draws', () => {
  it.each([
    ['random-normal', -7, 7],
    ['random-uniform', 0, 1],
    ['random-integers', 0, 999],
    ['random-permutation', 0, 2047],
  ])('of %s, ours and composed, are spread between %d and %d', async (name, least, most) => {
    for (const form of [name, name + COMPOSED]) {
      const { values } = await resultsOf(form, 'forward');
      const sorted = Float64Array.from(values[0]!).sort();
      expect(sorted[0]).toBeGreaterThanOrEqual(least);
      expect(sorted.at(-1)).toBeLessThanOrEqual(most);
      const distinct = new Set(sorted).size;
      expect(distinct).toBeGreaterThan(999);
      if (name === 'random-permutation') expect(distinct).toBe(sorted.length);
    }
  });
});

describe("the engine's own cost", () => {
  it.each(['scalar-op', 'captured-700'])(
    '%s is given for one of many repetitions, and leaves nothing',
    async (name) => {
      seen.alone = false;
      const bench = opCase(specOf(name));
      expect(bench.repeats).toBeGreaterThan(1);
      await bench.run(() => undefined);
      const before = tf.memory().numTensors;
      let called = 0;
      await bench.run(() => called++);
      expect(called).toBe(1);
      expect(tf.memory().numTensors).toBe(before);
    },
  );
});

describe('phasesOf', () => {
  it('has a step where there are gradients', () => {
    expect(phasesOf('gelu')).toEqual(['forward', 'step']);
    expect(phasesOf('block-64')).toEqual(['forward', 'step']);
    expect(phasesOf('random-normal')).toEqual(['forward']);
    expect(phasesOf('scalar-op')).toEqual(['forward']);
    expect(phasesOf('adam-update')).toEqual(['step']);
  });

  it('is asked by names that are there once', () => {
    expect(new Set(opNames).size).toBe(opNames.length);
    expect(opNames.filter((name) => name.includes(':') || name.startsWith('block'))).toEqual([]);
  });
});
