import * as tf from '@tensorflow/tfjs-core';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { largestDifference, runKernel, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { compile } from '../compile/index.js';
import { currentEngine } from '../engine.js';
import { narrow } from '../narrow.js';
import {
  computeInHalf,
  FUSED_OPERATIONS,
  fusions,
  sameElements,
  withBias,
  withGeglu,
  withGelu,
  withResidual,
} from './fused-contractions.js';

testWithoutLeaks();
afterEach(() => vi.unstubAllEnvs());

const ALLOWED = 'TF_AUTO_MIXED_PRECISION_GRAPH_REWRITE_ALLOWLIST_ADD';
type Fn = (x: tf.Tensor2D, w: tf.Tensor2D, bias: tf.Tensor1D) => tf.Tensor;
const biased = (x: tf.Tensor, w: tf.Tensor, bias: tf.Tensor1D) =>
  tf.add(tf.matMul(x as tf.Tensor2D, w as tf.Tensor2D, false, true), bias);
const geglu = (x: tf.Tensor) => runKernel('Geglu', { x })[0]!;

/** A function of a packed weight: the operations of the function that runs, and its largest error relative to the wide one. */
function measured(fn: Fn, wShape: number[] = [16, 16]): { ran: string[]; error: number } {
  const [x, bias, w] = [waves([6, 16]) as tf.Tensor2D, waves([16], 1) as tf.Tensor1D, waves(wShape, 2)];
  const short = narrow(w, 'bfloat16') as tf.Tensor2D;
  const [packed, wide] = [compile(fn, { precision: 'bfloat16' }), compile(fn)];
  const spy = vi.spyOn(currentEngine().backend, 'executeSingleOutput');
  const y = packed(x, short, bias);
  const ran = spy.mock.calls.map(([name]) => name);
  spy.mockRestore();
  const wanted = wide(x, tf.add(short, 0) as tf.Tensor2D, bias);
  const error = largestDifference(y, wanted) / tf.max(tf.abs(wanted)).dataSync()[0]!;
  packed.dispose();
  wide.dispose();
  return { ran, error };
}

it('finds out once what the library can fuse, and lets mixed precision compute it in half', () => {
  const found = fusions();
  expect(fusions()).toBe(found);
  // What is fused behind a bias needs the bias.
  if (!found.bias) expect(found).toEqual({ bias: false, residual: false, gelu: false });
  else expect(process.env[ALLOWED]!.split(',')).toEqual(expect.arrayContaining([...FUSED_OPERATIONS]));
});

it('adds names to the list of mixed precision, each once, and keeps what others put there', () => {
  vi.stubEnv(ALLOWED, 'Theirs,One');
  computeInHalf(['One', 'Two']);
  computeInHalf(['Two']);
  expect(process.env[ALLOWED]).toBe('Theirs,One,Two');
  vi.stubEnv(ALLOWED, '');
  computeInHalf(['One']);
  expect(process.env[ALLOWED]).toBe('One');
});

describe('what no packed weight made', () => {
  const refuse = (x: tf.Tensor, bias: tf.Tensor) => {
    expect([withBias(x, bias), withResidual(x, bias), withGelu(x), withGeglu(x)]).toEqual([null, null, null, null]);
    sameElements(x, bias);
  };

  it('is left alone at once', () => refuse(waves([16]), waves([16], 1)));

  it('is left alone in a function', () => {
    const compiled = compile((x: tf.Tensor, bias: tf.Tensor) => {
      refuse(x, bias);
      return tf.add(x, bias);
    });
    compiled(waves([16]), waves([16], 1));
    compiled.dispose();
  });
});

// Other processors' libraries have no oneDNN.
describe.skipIf(process.arch !== 'x64')('a packed product', () => {
  it('with its bias takes the earlier of two sums, which others may read too', () => {
    const { ran, error } = measured((x, w, b) => {
      const first = biased(x, w, b);
      const second = biased(tf.relu(first), w, b);
      return tf.mul(tf.add(second, first), first);
    });
    expect(ran).not.toContain('AddV2');
    expect(error).toBeLessThan(0.02);
  });

  it('with its bias is known in another shape', () => {
    const { ran, error } = measured((x, w, b) => tf.add(tf.reshape(biased(x, w, b), [2, 3, 16]), tf.ones([2, 3, 16])));
    expect(ran).not.toContain('AddV2');
    expect(error).toBeLessThan(0.01);
  });

  it('without a bias is no sum: what is added next is its own operation', () => {
    const { error } = measured((x, w) => tf.add(tf.matMul(x, w, false, true), x));
    expect(error).toBeLessThan(0.01);
  });

  it('gates by halves of the rows of its weight, not of its columns', () => {
    const byRows = measured((x, w, b) => geglu(biased(x, w, b)));
    expect(byRows.ran).not.toContain('Erf');
    expect(byRows.error).toBeLessThan(0.02);
    const byColumns = measured((x, w, b) => geglu(tf.add(tf.matMul(x, w), b)));
    expect(byColumns.ran).toContain('Erf');
    expect(byColumns.error).toBeLessThan(0.02);
  });
});
