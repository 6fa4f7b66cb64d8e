import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, randn, useCpu } from '../../test/support.js';
import { partsOf, together } from '../../test/together.js';
import type { BatchReplicas } from '../nn/batch-replicas.js';
import { Conv2D } from '../nn/conv2d.js';
import { initParams } from '../nn/init.js';
import { Scope } from '../nn/scope.js';
import { adaptiveWeight } from './adaptive-weight.js';

beforeAll(useCpu);

describe('adaptiveWeight', () => {
  const scope = Scope.root();
  const conv = new Conv2D(scope, 2, 1, { kernel: 1 });
  const lastLayer = { weight: { key: 'weight' }, forward: conv.forward.bind(conv) };
  const weigh = (features: tf.Tensor4D, a: tf.Tensor4D, b: tf.Tensor4D, replicas?: BatchReplicas) =>
    adaptiveWeight(initParams(scope.specs, 0), lastLayer, features, a, b, replicas);
  const image = (...values: number[]) => tf.tensor4d(values, [values.length, 1, 1, 1]);

  it('is the ratio of the norms of two gradients by the last weight, at most 1e4', () => {
    const features = tf.tensor4d([1, 0, 0, 2], [2, 1, 1, 2]);
    // Of a 1x1 convolution the gradient is the sum of features, weighted by the gradient of the image: [3, 8] and [4, 0].
    expectClose(weigh(features, image(3, 4), image(4, 0)), [Math.sqrt(73) / (4 + 1e-4)], 1e-6);
    expectClose(weigh(features, image(3, 4), image(0, 0)), [1e4], 0);
  });

  it('shared by replicas, takes the norms of the gradients of the whole batch', () => {
    const [features, a, b] = [
      randn<tf.Rank.R4>([4, 1, 1, 2], 1),
      randn<tf.Rank.R4>([4, 1, 1, 1], 2),
      image(1, -2, 3, 5),
    ];
    const whole = weigh(features, a, b).dataSync();
    const [ofFeatures, ofA, ofB] = [partsOf(features, 2), partsOf(a, 2), partsOf(b, 2)];
    // The losses are means over the batch, so each share's gradients are those of the whole, times the number of shares.
    const scaled = (parts: tf.Tensor4D[], i: number) => tf.mul<tf.Tensor4D>(parts[i]!, 2);
    const shares = [0, 1].map((i) => [ofFeatures[i]!, scaled(ofA, i), scaled(ofB, i)] as const);
    for (const own of together(2, (replicas, i) => weigh(...shares[i]!, replicas))) expectClose(own, whole, 1e-6);
    const alone = shares.map((share) => weigh(...share).dataSync()[0]!);
    for (const own of alone) expect(Math.abs(own - whole[0]!)).toBeGreaterThan(0.01);
  });
});
