import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, useCpu } from '../../test/support.js';
import { offTape } from './off-tape.js';
import { Params } from './params.js';
import { tidyTree } from './tensor-tree.js';
import { valueAndGrad, valueAndGrads } from './value-and-grads.js';

beforeAll(useCpu);

const square = (p: Params, key: string) => tf.square(p.get(key)!) as tf.Scalar;

describe('valueAndGrads', () => {
  it('gives loss, other results and gradients, none where the loss does not depend on the parameter', () => {
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
    expect([...grads.keys()]).toEqual(['a']);
  });

  it('gives the gradients in the order in which they are computed', () => {
    const keys = ['first', 'second', 'third'];
    const params = new Params(keys.map((key) => [key, tf.scalar(2)]));
    const along = (order: readonly string[]) =>
      valueAndGrad((p) => order.reduce((h, key) => tf.mul(h, p.get(key)!), tf.scalar(1)) as tf.Scalar, params).grads;
    expect([...along(keys).keys()]).toEqual([...keys].reverse());
    expect([...along(['second', 'third', 'first']).keys()]).toEqual(['first', 'third', 'second']);
  });

  it('leaves its results to the scope around it', () => {
    const params = new Params([['a', tf.scalar(3)]]);
    const before = tf.memory().numTensors;
    const run = () => valueAndGrads((p) => ({ loss: square(p, 'a'), other: tf.add(p.get('a')!, 1) }), params);
    const { value } = tidyTree(run);
    expectClose(value.other, [4], 0);
    expect(tf.memory().numTensors).toBe(before + 3); // loss, other and the gradient
    tf.dispose([value.loss, value.other]);
    tf.tidy(() => void run());
    expect(tf.memory().numTensors).toBe(before + 1);
  });

  it('frees them if the backward pass fails', () => {
    const before = tf.memory().numTensors;
    const fail = tf.customGrad((x) => ({
      value: tf.square(x as tf.Tensor),
      gradFunc: (): tf.Tensor => {
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

describe('valueAndGrad', () => {
  it('gives the loss and its gradients, and hands integers on', () => {
    const params = new Params([
      ['w', tf.tensor1d([1, 2, 3])],
      ['index', tf.scalar(1, 'int32')],
    ]);
    const loss = (p: Params) => tf.sum(tf.mul(p.get('w')!, p.get('index')!)) as tf.Scalar;
    const { value, grads } = valueAndGrad(loss, params);
    expectClose(value, [6], 0);
    expect([...grads.keys()]).toEqual(['w']);
    expectClose(grads.get('w')!, [1, 1, 1], 0);
  });

  it('gives no gradients where the loss depends on nothing', () => {
    const { grads } = valueAndGrad(() => tf.scalar(1), new Params([['w', tf.scalar(1)]]));
    expect(grads.size).toBe(0);
  });

  it('leaves nothing behind when the loss throws', () => {
    const params = new Params([['w', tf.tensor1d([1, 2, 3])]]);
    const before = tf.memory().numTensors;
    const broken = (p: Params): tf.Scalar => {
      tf.square(tf.exp(p.get('w')!));
      throw new Error('broken');
    };
    expect(() => valueAndGrad(broken, params)).toThrow('broken');
    expect(tf.memory().numTensors).toBe(before);
  });

  it('refuses a loss that is no scalar, and parameters it cannot differentiate by', () => {
    const vector = (p: Params) => tf.square(p.get('w')!) as tf.Scalar;
    expect(() => valueAndGrad(vector, new Params([['w', tf.tensor1d([1, 2])]]))).toThrow('the loss is [2]');
    const integers = new Params([['w', tf.scalar(1, 'int32')]]);
    expect(() => valueAndGrad(() => tf.scalar(1), integers)).toThrow('none of the 1 parameters is float32');
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
