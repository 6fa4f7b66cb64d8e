import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { loadKernels } from '../tfjs-node.js';
import { registerKernels } from './index.js';

beforeAll(() => {
  loadKernels();
});

const names = () => tf.getKernelsForBackend('tensorflow').map(({ kernelName }) => kernelName);

it("adds the kernels that upstream lacks, and takes the place of upstream's where both have one", () => {
  const upstream = names();
  const plainMean = tf.getKernel('Mean', 'tensorflow');
  registerKernels();
  const added = names().filter((name) => !upstream.includes(name));
  expect(added).toEqual(
    expect.arrayContaining([
      'GroupNorm',
      'GroupNormGrad',
      'LayerNorm',
      'Attention',
      'AttentionGrad',
      'AdamUpdate',
      'EmaUpdate',
    ]),
  );
  expect(upstream.filter((name) => !names().includes(name))).toEqual([]);
  expect(new Set(names()).size).toBe(names().length);
  expect(tf.getKernel('Mean', 'tensorflow')).not.toBe(plainMean);
});

it('may be called again', () => {
  const before = names().length;
  expect(registerKernels).not.toThrow();
  expect(names()).toHaveLength(before);
});
