import { expect, it } from 'vitest';
import { tableText } from './table.js';

it('has a column for each protocol, and a dash for what one of them lacks', () => {
  const row = { value: 0.5, low: 0.25, high: 0.75 };
  const text = tableText([
    { ...row, protocol: 'paper', metric: 'mask_accuracy', n: 50 },
    { ...row, protocol: 'large', metric: 'mask_accuracy', n: 3000 },
    { ...row, protocol: 'large', metric: 'frechet', n: 3000 },
  ]);
  expect(text.split('\n')).toEqual([
    'metric         paper (50 images)        large (3000 images)',
    'mask_accuracy  0.5000 [0.2500, 0.7500]  0.5000 [0.2500, 0.7500]',
    'frechet        -                        0.500 [0.250, 0.750]',
  ]);
});
