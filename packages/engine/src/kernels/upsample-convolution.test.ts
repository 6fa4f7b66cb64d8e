import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { largestDifference, runKernel, waves } from '../../test/support/kernel.js';
import { testWithoutLeaks } from '../../test/support/leak-free.js';
import { compile, profile } from '../index.js';

testWithoutLeaks();

const inTurn = (x: tf.Tensor, w: tf.Tensor): tf.Tensor => {
  const [, H, W] = x.shape as [number, number, number, number];
  return tf.conv2d(tf.image.resizeNearestNeighbor(x as tf.Tensor4D, [2 * H, 2 * W]), w as tf.Tensor4D, 1, 'same');
};
const asOne = (x: tf.Tensor, filter: tf.Tensor): tf.Tensor => runKernel('UpsampleConv2D', { x, filter })[0]!;
const gradsInTurn = (dy: tf.Tensor, x: tf.Tensor, w: tf.Tensor): tf.Tensor[] => tf.grads(inTurn)([x, w], dy);
const gradsAsOne = (dy: tf.Tensor, x: tf.Tensor, filter: tf.Tensor): tf.Tensor[] =>
  runKernel('UpsampleConv2DGrad', { dy, x, filter });

// Few pixels, an odd number of rows, several images; the last two in the transposed form.
describe.each([[[1, 4, 3]], [[2, 5, 2]], [[1, 32, 33]], [[3, 19, 20]]])(
  '%s pixels enlarged and convolved',
  (pixels) => {
    const inputs = () => [waves([...pixels, 3], 0), waves([3, 3, 3, 5], 1)] as const;
    const dy = () => waves([pixels[0]!, 2 * pixels[1]!, 2 * pixels[2]!, 5], 2);

    it('are those of both operations in turn, at once and compiled', async () => {
      const [x, w] = inputs();
      const wanted = inTurn(x, w);
      expect(asOne(x, w).shape).toEqual(wanted.shape);
      expect(largestDifference(asOne(x, w), wanted)).toBeLessThan(5e-6);
      const compiled = compile(asOne);
      expect(largestDifference(await compiled(x, w), wanted)).toBeLessThan(5e-6);
      compiled.dispose();
    });

    it('have the gradients of both in turn', async () => {
      const [x, w] = inputs();
      const wanted = gradsInTurn(dy(), x, w);
      const compiled = compile(gradsAsOne);
      for (const got of [gradsAsOne(dy(), x, w), await compiled(dy(), x, w)])
        got.forEach((grad, i) => {
          expect(grad.shape).toEqual(wanted[i]!.shape);
          const scale = tf.max(tf.abs(wanted[i]!)).dataSync()[0]!;
          expect(largestDifference(grad, wanted[i]!) / scale).toBeLessThan(2e-6);
        });
      compiled.dispose();
    });
  },
);

it('in bfloat16 has the gradients of both in turn, as near as rounding lets them be', () => {
  const [x, w, dy] = [waves([1, 32, 32, 16]), waves([3, 3, 16, 8], 1), waves([1, 64, 64, 8], 2)];
  const half = compile(gradsAsOne, { precision: 'bfloat16' });
  const got = half(dy, x, w);
  gradsInTurn(dy, x, w).forEach((wanted, i) => {
    const distance = tf.norm(tf.sub(got[i]!, wanted)).dataSync()[0]! / tf.norm(wanted).dataSync()[0]!;
    expect(distance).toBeGreaterThan(0);
    expect(distance).toBeLessThan(0.01);
  });
  half.dispose();
});

it('makes no large image where there are many pixels', () => {
  const ops = (pixels: number[]) =>
    profile(asOne, [waves([...pixels, 3]), waves([3, 3, 3, 5])]).map(({ op }) => op.replace('_MklNative', ''));
  expect(ops([1, 32, 32])).toContain('Conv2DBackpropInput');
  expect(ops([1, 32, 32])).not.toContain('ResizeNearestNeighbor');
  expect(ops([1, 8, 8])).toContain('ResizeNearestNeighbor');
});
