import { COLLABORATIVE_ALPHAS, IMAGIC_ALPHAS } from '@codiff/codiff';
import { describe, expect, it } from 'vitest';
import { UsageError } from '../usage-error.js';
import { alphaText, parseAlphas } from './alphas.js';

describe('alphas', () => {
  it('are read as the original writes its default', () => {
    const text = '-1, -0.5, 0, 0.5, 0.6, 0.7, 0.8, 0.9, 1, 1.1, 1.2, 1.3, 1.4, 1.5';
    expect(parseAlphas('alpha_list', text)).toEqual(IMAGIC_ALPHAS);
    for (const bad of ['', '1,,2', '1; 2', 'all', '1e9', 'NaN'])
      expect(() => parseAlphas('alpha_list', bad)).toThrow(UsageError);
  });

  it('are printed as Python prints round(alpha, 3)', () => {
    expect([-1, 0, 0.6, 1, 1.5, 2.5].map(alphaText)).toEqual(['-1.0', '0.0', '0.6', '1.0', '1.5', '2.5']);
    expect(COLLABORATIVE_ALPHAS.slice(0, 4).map(alphaText)).toEqual(['0.0', '0.125', '0.25', '0.375']);
    // Ties go to the even digit, what only looks like one does not.
    expect([0.0625, 0.1875, -0.0625, 0.0005, 1.2345, -0.0001].map(alphaText)).toEqual([
      '0.062',
      '0.188',
      '-0.062',
      '0.001',
      '1.234',
      '-0.0',
    ]);
  });
});
