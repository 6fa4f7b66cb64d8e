import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { waves } from '../../test/support/kernel.js';
import { type PlainEngine, startPlainEngine } from '../../test/support/plain-engine.js';
import { currentEngine, type Engine, setEngine } from '../engine.js';
import { inRowParts, type RowPart, rowParts, rowPartsOf } from './row-parts.js';

let engine: PlainEngine;
beforeAll(async () => {
  engine = await startPlainEngine();
});
const TRACE = { precision: 'float32', xla: false } as const;
const withThreads = (threads: number, branches: number) =>
  setEngine({ ...currentEngine(), info: { threads, branches } } as Engine);
beforeEach(() => {
  Object.assign(engine, { onGpu: false, trace: TRACE });
  withThreads(4, 4);
});

/** 2^22 elements. */
const LARGE = [1, 256, 64, 256];

describe('rowPartsOf', () => {
  it('is as many parts as there are branches, of one large image in a function', () => {
    expect(rowPartsOf(LARGE)).toBe(4);
    withThreads(2, 2);
    expect(rowPartsOf(LARGE)).toBe(2);
  });

  it.each([
    ['a batch, whose samples are branches already', [2, 256, 64, 256]],
    ['an image that is not worth it', [1, 256, 64, 252]],
    ['rows that cannot be divided', [1, 258, 64, 256]],
  ])('leaves %s as it is', (_, shape) => {
    expect(rowPartsOf(shape)).toBe(1);
  });

  it('is one at once, through XLA, on a card, and where operations have threads of their own', () => {
    engine.trace = null;
    expect(rowPartsOf(LARGE)).toBe(1);
    engine.trace = { ...TRACE, xla: true };
    expect(rowPartsOf(LARGE)).toBe(1);
    Object.assign(engine, { onGpu: true, trace: TRACE });
    expect(rowPartsOf(LARGE)).toBe(1);
    engine.onGpu = false;
    withThreads(4, 2);
    expect(rowPartsOf(LARGE)).toBe(1);
    withThreads(1, 1);
    expect(rowPartsOf(LARGE)).toBe(1);
  });
});

describe('inRowParts', () => {
  const seen: (readonly [firstRow: number, rows: number, first: boolean, last: boolean])[] = [];
  beforeEach(() => void seen.splice(0));
  /** Rows of x are numbered by their values. */
  const numbered = (H: number) => tf.tile(tf.reshape(tf.range(0, H), [1, H, 1, 1]), [1, 1, 3, 2]) as tf.Tensor4D;
  const note = ({ rows, first, last }: RowPart) => {
    seen.push([rows.dataSync()[0]!, rows.shape[1], first, last]);
    return rows;
  };

  it('hands each part its rows with those that it sees, none outside the image', () => {
    inRowParts(numbered(12), { parts: 3, height: 12, above: 1, below: 2 }, note);
    expect(seen).toEqual([
      [0, 6, true, false],
      [3, 7, false, false],
      [7, 5, false, true],
    ]);
  });

  it('divides the rows that are left where the image has no border', () => {
    // 3 x 3 without padding: 6 rows give 4.
    inRowParts(numbered(6), { parts: 2, height: 4, above: 0, below: 2 }, note);
    expect(seen).toEqual([
      [0, 4, true, false],
      [2, 4, false, true],
    ]);
  });

  it('puts the results together in order', () => {
    const x = waves([1, 8, 3, 2]) as tf.Tensor4D;
    const y = inRowParts(x, { parts: 4, height: 8, above: 0, below: 0 }, ({ rows }) => tf.mul(rows, 2));
    expect(y.shape).toEqual(x.shape);
    expect(y.dataSync()).toEqual(x.dataSync().map((value) => 2 * value));
    const enlarged = inRowParts(x, { parts: 2, height: 8, above: 0, below: 0 }, ({ rows }) =>
      tf.image.resizeNearestNeighbor(rows, [2 * rows.shape[1], 6]),
    );
    expect(enlarged.dataSync()).toEqual(tf.image.resizeNearestNeighbor(x, [16, 6]).dataSync());
  });

  it('divides each image of a batch', () => {
    const x = tf.concat([numbered(8), tf.add(numbered(8), 8)]) as tf.Tensor4D;
    const y = inRowParts(x, { parts: 2, height: 8, above: 1, below: 0 }, (part) => {
      note(part);
      return tf.slice(part.rows, [0, part.first ? 0 : 1, 0, 0], [1, 4, 3, 2]);
    });
    expect(seen).toEqual([
      [0, 4, true, false],
      [3, 5, false, true],
      [8, 4, true, false],
      [11, 5, false, true],
    ]);
    expect(y.shape).toEqual(x.shape);
    expect(y.dataSync()).toEqual(x.dataSync());
  });

  it('divides a batch into whole images', () => {
    const x = waves([6, 4, 3, 2]) as tf.Tensor4D;
    const division = { images: 2, parts: 1, height: 4, above: 1, below: 1 };
    expect(rowParts(x, division).map(({ rows }) => rows.shape)).toEqual(Array(3).fill([2, 4, 3, 2]));
    expect(inRowParts(x, division, ({ rows }) => rows).dataSync()).toEqual(x.dataSync());
  });
});
