import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectNoLeak, useCpu } from '../../test/support.js';
import { discardTape, offTape } from './off-tape.js';

beforeAll(useCpu);

const three = () => tf.tensor1d([3]);

describe('offTape', () => {
  it('returns what the function returns, also where no gradient is taken', () => {
    expect(offTape(() => 'anything')).toBe('anything');
    expectClose(
      offTape(() => tf.square(tf.scalar(3))),
      [9],
      0,
    );
  });

  it('makes constants of what comes from the variable', () => {
    const slope = tf.grad((x) =>
      tf.mul(
        x,
        offTape(() => tf.square(x)),
      ),
    )(three());
    expectClose(slope, [9], 0); // not 27
  });

  it('keeps a gradient taken inside from being differentiated', () => {
    const ofCube = (x: tf.Tensor) => tf.grad((y) => tf.pow(y, 3))(x);
    expectClose(tf.grad((x) => tf.mul(x, ofCube(x)))(three()), [81], 1e-4);
    expectClose(
      tf.grad((x) =>
        tf.mul(
          x,
          offTape(() => ofCube(x)),
        ),
      )(three()),
      [27],
      1e-4,
    );
  });

  it('may be used inside a gradient function, while the tape is walked', () => {
    const cube = tf.customGrad((x, save) => {
      (save as tf.GradSaveFunc)([x as tf.Tensor]);
      const slopeOf = (saved: tf.Tensor) => offTape(() => tf.grad((y) => tf.pow(y, 3))(saved));
      return {
        value: tf.pow(x as tf.Tensor, 3),
        gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(dy, slopeOf(saved[0]!)),
      };
    });
    // The square comes before it on the tape, so it is reached afterwards: 6 x^5.
    expectClose(tf.grad((x) => cube(tf.square(x)))(tf.tensor1d([2])), [192], 1e-2);
  });

  it('puts back the tape and its depth, after success and failure', () => {
    const { state } = tf.engine();
    tf.grad((x) => {
      const { activeTape, gradientDepth } = state;
      expect(gradientDepth).toBe(1);
      offTape(() => expect([state.activeTape, state.gradientDepth]).toEqual([[], 0]));
      expect(() =>
        offTape(() => {
          throw new Error('inside');
        }),
      ).toThrow('inside');
      expect(state.activeTape).toBe(activeTape);
      expect(state.gradientDepth).toBe(gradientDepth);
      return tf.square(x);
    })(three());
  });

  it('frees what a gradient that fails inside has saved', () => {
    const x = three();
    expectNoLeak(() =>
      tf.tidy(() => {
        const failing = (y: tf.Tensor): tf.Tensor => {
          tf.exp(tf.square(y));
          throw new Error('half way');
        };
        expect(() => offTape(() => tf.grad(failing)(x))).toThrow('half way');
        return [];
      }),
    );
  });
});

describe('discardTape', () => {
  const failed = (x: tf.Tensor) =>
    expect(() =>
      tf.grad((y): tf.Tensor => {
        tf.exp(tf.square(y));
        throw new Error('half way');
      })(x),
    ).toThrow('half way');

  it('frees what a failed gradient leaves for ever', () => {
    const x = three();
    const before = tf.memory().numTensors;
    failed(x);
    expect(tf.memory().numTensors).toBeGreaterThan(before);
    discardTape();
    expect(tf.memory().numTensors).toBe(before);
    discardTape();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('does nothing while a gradient records', () => {
    const slope = tf.grad((x) => {
      const y = tf.square(x);
      discardTape();
      return tf.mul(y, x);
    })(three());
    expectClose(slope, [27], 0);
  });
});
