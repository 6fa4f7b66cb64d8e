import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { useCpu } from '../../test/support.js';
import { Params } from './params.js';
import { disposeReplaced, mapTensors, tensorsOf, tidyTree } from './tensor-tree.js';

beforeAll(useCpu);

const tree = () => ({
  list: [tf.scalar(1), { deep: tf.scalar(2) }],
  params: new Params([['a', tf.scalar(3)]]),
  map: new Map([['b', [tf.scalar(4)]]]),
  step: 7,
  name: 'x',
  none: null,
});

const valuesOf = (x: unknown) => tensorsOf(x).map((tensor) => tensor.dataSync()[0]);

describe('tensorsOf', () => {
  it('finds the tensors of arrays, objects and maps, each once', () => {
    expect(valuesOf(tree())).toEqual([1, 2, 3, 4]);
    const shared = tf.scalar(5);
    expect(tensorsOf([shared, { again: shared }])).toEqual([shared]);
    expect(tensorsOf(new Date(0))).toEqual([]);
  });
});

describe('mapTensors', () => {
  it('replaces tensors and keeps the rest', () => {
    const doubled = mapTensors(tree(), (tensor) => tf.mul(tensor, 2));
    expect(valuesOf(doubled)).toEqual([2, 4, 6, 8]);
    expect(doubled.params).toBeInstanceOf(Params);
    expect([doubled.step, doubled.name, doubled.none]).toEqual([7, 'x', null]);
  });
});

describe('tidyTree', () => {
  it('keeps what is returned, in maps too, and frees the rest', () => {
    const before = tf.memory().numTensors;
    const result = tidyTree(() => {
      tf.scalar(9);
      return tree();
    });
    expect(tf.memory().numTensors).toBe(before + 4);
    expect(valuesOf(result)).toEqual([1, 2, 3, 4]);
    tf.dispose(tensorsOf(result));
  });

  it('leaves what is returned to the tidy around it', () => {
    const before = tf.memory().numTensors;
    tf.tidy(() => {
      tidyTree(tree);
    });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('frees all after an error', () => {
    const before = tf.memory().numTensors;
    expect(() =>
      tidyTree(() => {
        tree();
        throw new Error('half way');
      }),
    ).toThrow('half way');
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('disposeReplaced', () => {
  it('frees what the new state no longer holds', () => {
    const [kept, gone, fresh] = [tf.scalar(1), tf.scalar(2), tf.scalar(3)];
    disposeReplaced(
      {
        p: new Params([
          ['a', kept],
          ['b', gone],
        ]),
      },
      {
        p: new Params([
          ['a', kept],
          ['b', fresh],
        ]),
      },
    );
    expect([kept, gone, fresh].map((tensor) => tensor.isDisposed)).toEqual([false, true, false]);
  });
});
