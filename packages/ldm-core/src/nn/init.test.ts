import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useCpu } from '../../test/support.js';
import { fanIn, initialValues, initParams, kaiming, normal, ones, zeros } from './init.js';
import { Scope } from './scope.js';

beforeAll(useCpu);

/** A model of one parameter `w` and whatever else. */
function specOf(key: string, shape: number[], init = kaiming(4), file?: { shape: number[]; perm: number[] }) {
  const scope = Scope.root();
  scope.param(key, shape, init, file ? { file } : {});
  return scope.specs.get(key)!;
}

describe('fanIn', () => {
  it('is what one output sums over', () => {
    expect(fanIn([640, 320])).toBe(320);
    expect(fanIn([3, 3, 192, 384])).toBe(1728);
    expect(() => fanIn([4])).toThrow('shape [4]');
  });
});

describe('initialValues', () => {
  it('has these first values (a change here changes every freshly trained model)', () => {
    expect([...initialValues(specOf('a.weight', [2, 2]), 23)]).toEqual([
      -0.16986894607543945, -0.1764797568321228, -0.27330464124679565, 0.057644426822662354,
    ]);
    expect([...initialValues(specOf('a.weight', [2, 2], normal(0, 1)), 23)]).toEqual([
      -0.6635396480560303, 1.332758903503418, -1.611099123954773, -0.6104555726051331,
    ]);
  });

  it('depends on seed and key alone, not on the other parameters', () => {
    const scope = Scope.root();
    scope.param('first', [5], kaiming(1));
    scope.param('w', [5], kaiming(1));
    const alone = initialValues(specOf('w', [5], kaiming(1)), 1);
    expect(initialValues(scope.specs.get('w')!, 1)).toEqual(alone);
    expect(initialValues(scope.specs.get('first')!, 1)).not.toEqual(alone);
    expect(initialValues(scope.specs.get('w')!, 2)).not.toEqual(alone);
  });

  it("draws in the file's order, so that memory's layout does not matter", () => {
    const file = { shape: [2, 3, 1, 1], perm: [2, 3, 1, 0] };
    const plain = initialValues(specOf('w', [2, 3]), 5);
    const laidOut = initialValues(specOf('w', [1, 1, 3, 2], kaiming(4), file), 5);
    const transposed = [0, 3, 1, 4, 2, 5].map((i) => plain[i]);
    expect([...laidOut]).toEqual(transposed);
  });

  it('fills constants, given values and integers', () => {
    expect([...initialValues(specOf('w', [3], zeros), 1)]).toEqual([0, 0, 0]);
    expect([...initialValues(specOf('w', [], ones), 1)]).toEqual([1]);
    const betas = specOf('betas', [2], { kind: 'values', values: new Float64Array([0.25, 0.5]) });
    expect([...initialValues(betas, 1)]).toEqual([0.25, 0.5]);
    const scope = Scope.root();
    scope.buffer('n', [], zeros, { dtype: 'int32' });
    expect(initialValues(scope.specs.get('n')!, 1)).toEqual(new Int32Array([0]));
    const wrong = specOf('betas', [3], { kind: 'values', values: new Float64Array(2) });
    expect(() => initialValues(wrong, 1)).toThrow("'betas' is [3], its init holds 2 values");
  });

  it('keeps uniform draws inside their bound', () => {
    const values = initialValues(specOf('w', [10_000], kaiming(16)), 3);
    expect(values.every((x) => Math.abs(x) <= 0.25)).toBe(true);
    expect(Math.max(...values)).toBeGreaterThan(0.2499);
    expect(Math.min(...values)).toBeLessThan(-0.2499);
  });
});

describe('initParams', () => {
  it('makes tensors of every spec, or of those asked for', () => {
    const scope = Scope.root();
    scope.param('a.weight', [2, 3], kaiming(3));
    scope.buffer('a.count', [], zeros, { dtype: 'int32' });
    const params = initParams(scope.specs, 7);
    expect([...params].map(([key, x]) => [key, x.dtype, x.shape])).toEqual([
      ['a.weight', 'float32', [2, 3]],
      ['a.count', 'int32', []],
    ]);
    expect([...params.get('a.weight')!.dataSync()]).toEqual([...initialValues(scope.specs.get('a.weight')!, 7)]);
    expect([...initParams(scope.specs, 7, (key) => key === 'a.count').keys()]).toEqual(['a.count']);
    const before = tf.memory().numTensors;
    params.dispose();
    expect(tf.memory().numTensors).toBe(before - 2);
  });
});
