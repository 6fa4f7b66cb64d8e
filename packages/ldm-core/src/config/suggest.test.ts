import { expect, test } from 'vitest';
import { editDistance, nearest } from './suggest.js';

test.each([
  ['', '', 0],
  ['ch', '', 2],
  ['kitten', 'sitting', 3],
  ['chanel', 'channel', 1],
  ['channle', 'channel', 1],
  ['context_dim', 'context_dim', 0],
])('%s to %s takes %i edits', (a, b, edits) => {
  expect(editDistance(a, b)).toBe(edits);
  expect(editDistance(b, a)).toBe(edits);
});

test('the nearest word is found through case and underscores, and nothing is found far away', () => {
  const keys = ['use_ema', 'use_checkpoint', 'ch', 'ch_mult', 'num_heads', 'num_head_channels'];
  expect(nearest('useEma', keys)).toBe('use_ema');
  expect(nearest('use-checkpoint', keys)).toBe('use_checkpoint');
  expect(nearest('ch_mutl', keys)).toBe('ch_mult');
  expect(nearest('num_head', keys)).toBe('num_heads');
  expect(nearest('learning_rate', keys)).toBeUndefined();
  expect(nearest('xy', keys)).toBeUndefined();
});

test('of equally near words the first is taken', () => {
  expect(nearest('b3', ['b1', 'b2'])).toBe('b1');
});
