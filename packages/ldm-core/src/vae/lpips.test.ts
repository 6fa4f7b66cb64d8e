import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, randn, useCpu } from '../../test/support.js';
import { initParams } from '../nn/init.js';
import { Scope } from '../nn/scope.js';
import { LPIPS, normalizeFeatures } from './lpips.js';

beforeAll(useCpu);

describe('normalizeFeatures', () => {
  it('gives unit vectors, zero for zero, and finite gradients there', () => {
    const x = tf.tensor4d([3, 4, 0, 0], [1, 1, 2, 2]);
    expectClose(normalizeFeatures(x), [0.6, 0.8, 0, 0], 1e-6);
    const slope = tf
      .grad((x: tf.Tensor) => tf.sum(normalizeFeatures(x as tf.Tensor4D)))(x)
      .dataSync();
    expect([...slope].every(Number.isFinite)).toBe(true);
  });
});

describe('LPIPS', () => {
  it('is zero between equal images, symmetric, and one number an image', () => {
    const scope = Scope.root();
    const lpips = new LPIPS(scope);
    const p = initParams(scope.specs, 3);
    // Random heads may weigh negatively; the published ones do not.
    for (const [key, tensor] of p) if (key.startsWith('lin')) p.set(key, tf.abs(tensor));
    const [x, y] = [randn<tf.Rank.R4>([2, 16, 16, 3], 1), randn<tf.Rank.R4>([2, 16, 16, 3], 2)];
    const [fx, fy] = [lpips.features(p, x), lpips.features(p, y)];
    expect(fx.map(({ shape }) => shape.slice(1))).toEqual([
      [16, 16, 64],
      [8, 8, 128],
      [4, 4, 256],
      [2, 2, 512],
      [1, 1, 512],
    ]);
    const distance = lpips.distance(p, fx, fy);
    expect(distance.shape).toEqual([2, 1, 1, 1]);
    expect(Math.min(...distance.dataSync())).toBeGreaterThan(0);
    expectClose(lpips.distance(p, fy, fx), distance, 1e-6);
    expectClose(lpips.distance(p, fx, fx), [0, 0], 0);
  });
});
