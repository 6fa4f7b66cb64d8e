/**
 * Convolutions of many channels, which the engine computes in other forms than narrow ones: at once and in a function, values and
 * gradients, against the definition as a sum of products, one for each pixel of the filter.
 */
import { conv2d, upsampleConv2d } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { compile } from '../src/index.js';
import { largestDifference, waves } from './support/kernel.js';
import { testWithoutLeaks } from './support/leak-free.js';

testWithoutLeaks();

/** Of the largest element: sums of some thousand products, in another order. */
const TOLERANCE = 3e-5;

type Image = tf.Tensor4D;
type Fn = (x: Image, filter: Image) => Image;

/** Stride 1, with zeros of `pad` pixels around the image. */
function defined(x: Image, filter: Image, pad: number): Image {
  const [kh, kw, C, D] = filter.shape;
  const sides: [number, number] = [pad, pad];
  const padded = tf.pad(x, [[0, 0], sides, sides, [0, 0]]);
  const [B, H, W] = [x.shape[0], x.shape[1] + 2 * pad - kh + 1, x.shape[2] + 2 * pad - kw + 1];
  const taps: tf.Tensor[] = [];
  for (let i = 0; i < kh; i++)
    for (let j = 0; j < kw; j++) {
      const pixels = tf.reshape(tf.slice(padded, [0, i, j, 0], [B, H, W, C]), [B * H * W, C]) as tf.Tensor2D;
      taps.push(tf.matMul(pixels, tf.reshape(tf.slice(filter, [i, j, 0, 0], [1, 1, C, D]), [C, D]) as tf.Tensor2D));
    }
  return tf.reshape(tf.addN(taps), [B, H, W, D]);
}

/** Every second pixel. */
function halved(x: Image): Image {
  const [B, H, W, C] = x.shape;
  const pairs = tf.reshape(x, [B * (H / 2), 2, W / 2, 2 * C]);
  return tf.reshape(tf.slice(pairs, [0, 0, 0, 0], [-1, 1, -1, C]), [B, H / 2, W / 2, C]);
}

/** Every pixel four times. */
function doubled(x: Image): Image {
  const [B, H, W, C] = x.shape;
  const wide = tf.concat([x, x], 3);
  const rows = tf.reshape(wide, [B * H, 1, 2 * W * C, 1]);
  return tf.reshape(tf.concat([rows, rows], 1), [B, 2 * H, 2 * W, C]);
}

/** What it is, its image and filter, and how it is called and defined. */
const CASES: readonly (readonly [string, Image['shape'], Image['shape'], Fn, Fn])[] = [
  ...(
    [
      ['of few pixels', [1, 8, 8, 384], [3, 3, 384, 256]],
      ['of many pixels', [1, 32, 36, 256], [3, 3, 256, 256]],
      ['of pixels that no tile divides', [1, 34, 33, 256], [3, 3, 256, 256]],
      ['of two images', [2, 32, 32, 256], [3, 3, 256, 256]],
      ['to few channels', [1, 32, 32, 320], [3, 3, 320, 3]],
    ] as const
  ).map(([what, image, filter]): (typeof CASES)[number] => [
    what,
    [...image],
    [...filter],
    (x, w) => conv2d(x, w, { pad: 1 }),
    (x, w) => defined(x, w, 1),
  ]),
  [
    'without a border',
    [1, 34, 34, 256],
    [3, 3, 256, 256],
    (x, w) => tf.conv2d(x, w, 1, 'valid'),
    (x, w) => defined(x, w, 0),
  ],
  [
    'of single pixels',
    [1, 32, 32, 512],
    [1, 1, 512, 256],
    (x, w) => tf.conv2d(x, w, 1, 'same'),
    (x, w) => defined(x, w, 0),
  ],
  [
    'that halves the image',
    [1, 32, 32, 256],
    [3, 3, 256, 256],
    (x, w) => conv2d(x, w, { stride: 2, pad: 1 }),
    (x, w) => halved(defined(x, w, 1)),
  ],
  [
    'of a doubled image',
    [1, 16, 16, 256],
    [3, 3, 256, 256],
    (x, w) => upsampleConv2d(x, w),
    (x, w) => defined(doubled(x), w, 1),
  ],
];

describe.each(CASES)('a wide convolution %s', (_, image, filter, fn, definition) => {
  const inputs = (): [Image, Image] => [waves([...image]) as Image, waves([...filter], 1, 0.1) as Image];
  /** The result, and the gradients by image and filter of its elements in a fixed weighting, so that none vanishes by symmetry. */
  const all = (fn: Fn) => (x: Image, w: Image) => {
    const y = fn(x, w);
    const weights = tf.cos(tf.mul(tf.reshape(tf.range(0, y.size), y.shape), 0.7));
    return [y, ...tf.grads((...[x, w]: tf.Tensor[]) => tf.sum(tf.mul(fn(x as Image, w as Image), weights)))([x, w])];
  };
  const errors = (got: readonly tf.Tensor[], wanted: readonly tf.Tensor[]): number[] => {
    expect(got.map(({ shape }) => shape)).toEqual(wanted.map(({ shape }) => shape));
    return wanted.map((want, i) => {
      const most = tf.max(tf.abs(want)).dataSync()[0]!;
      expect(most).toBeGreaterThan(0);
      return largestDifference(got[i]!, want) / most;
    });
  };

  it('is its definition at once and in a function, as are its gradients', () => {
    const [x, w] = inputs();
    const wanted = all(definition)(x, w);
    const eager = all(fn)(x, w);
    const compiled = compile(all(fn), { name: 'wide' });
    const traced = compiled(x, w);
    for (const error of [...errors(eager, wanted), ...errors(traced, wanted), ...errors(traced, eager)])
      expect(error).toBeLessThan(TOLERANCE);
    compiled.dispose();
  });

  it('has the gradients of a compiled forward pass that are asked for from outside', () => {
    const [x, w] = inputs();
    const forward = compile(fn, { name: 'wide' });
    for (const error of errors(all(forward)(x, w), all(fn)(x, w))) expect(error).toBeLessThan(TOLERANCE);
    forward.dispose();
  });
});
