import { expect, it } from 'vitest';
import { describeLearningRate, learningRate } from './learning-rate.js';

it.each([
  ['512_vae on 4 devices', { base: 4.5e-6, accumulate: 2, devices: 4, batchSize: 2 }, 7.2e-5],
  ['256_vae on 4 devices', { base: 4.5e-6, accumulate: 2, devices: 4, batchSize: 8 }, 2.88e-4],
  ['text on 4 devices', { base: 2e-6, accumulate: 1, devices: 4, batchSize: 8 }, 6.4e-5],
  ['512_mask on 4 devices', { base: 1e-6, accumulate: 1, devices: 4, batchSize: 8 }, 3.2e-5],
])('%s, as the original trains it', (_, rule, wanted) => {
  expect(learningRate({ ...rule, scale: true }) / wanted).toBeCloseTo(1, 12);
  expect(learningRate({ ...rule, scale: false })).toBe(rule.base);
});

it('says how it came about', () => {
  const rule = { base: 4.5e-6, scale: true, accumulate: 2, devices: 4, batchSize: 2 };
  expect(describeLearningRate(rule)).toBe(
    'learning rate 7.20e-5 = 2 (accumulate_grad_batches) * 4 (n_gpus) * 2 (batch_size) * 4.50e-6 (base_lr)',
  );
  expect(describeLearningRate({ ...rule, scale: false })).toBe('learning rate 4.50e-6');
});
