import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, useCpu } from '../../test/support.js';
import { offTape } from './off-tape.js';
import { Params } from './params.js';
import { tidyTree } from './tensor-tree.js';
import { valueAndGrads } from './value-and-grads.js';

beforeAll(useCpu);

const square = (p: Params, key: string) => tf.square(p.get(key)!) as tf.Scalar;

describe('valueAndGrads', () => {
  it('gives loss, other results and gradients, zero where there are none', () => {
    const params = new Params([
      ['a', tf.scalar(3)],
      ['b', tf.tensor1d([1, 2])],
    ]);
    const { value, grads } = valueAndGrads((p) => {
      const squared = square(p, 'a');
      return { loss: tf.mul(2, squared) as tf.Scalar, logs: new Map([['squared', squared]]), untouched: p.get('b')! };
    }, params);
    expectClose(value.loss, [18], 0);
    expectClose(value.logs.get('squared')!, [9], 0);
    expect(value.untouched).toBe(params.get('b'));
    expectClose(grads.get('a')!, [12], 0);
    expectClose(grads.get('b')!, [0, 0], 0);
  });

  it('leaves its results to the scope around it', () => {
    const params = new Params([['a', tf.scalar(3)]]);
    const before = tf.memory().numTensors;
    const run = () => valueAndGrads((p) => ({ loss: square(p, 'a'), other: tf.add(p.get('a')!, 1) }), params);
    const { value } = tidyTree(run);
    expectClose(value.other, [4], 0);
    expect(tf.memory().numTensors).toBe(before + 3);
    tf.dispose([value.loss, value.other]);
    tf.tidy(() => void run());
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it('frees them if the backward pass fails', () => {
    const before = tf.memory().numTensors;
    const fail = tf.customGrad((x: tf.Tensor) => ({
      value: tf.square(x),
      gradFunc: () => {
        throw new Error('no gradient here');
      },
    }));
    const params = new Params([['a', tf.scalar(3)]]);
    expect(() => tf.tidy(() => void valueAndGrads((p) => ({ loss: fail(p.get('a')!) as tf.Scalar }), params))).toThrow(
      /no gradient here/,
    );
    params.dispose();
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('offTape', () => {
  it('makes a constant, in which gradients may be taken', () => {
    const slope = tf.grad((x) => {
      const own = offTape(() => tf.grad((y) => tf.pow(y, 3))(x)); // 3 x^2, as a constant
      return tf.mul(own, x);
    })(tf.scalar(2));
    expectClose(slope, [12], 1e-5);
  });

  it('goes back to the tape after an error', () => {
    const slope = tf.grad((x) => {
      expect(() =>
        offTape(() => {
          throw new Error('inside');
        }),
      ).toThrow(/inside/);
      return tf.square(x);
    })(tf.scalar(2));
    expectClose(slope, [4], 0);
  });
});
