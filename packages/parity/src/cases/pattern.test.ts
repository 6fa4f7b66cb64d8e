import { describe, expect, it } from 'vitest';
import { matchesPattern } from './pattern.js';

describe('matchesPattern', () => {
  it.each([
    ['*', '', true],
    ['*', 'a.b.c', true],
    ['grad.*', 'grad.a.b', true],
    ['grad.*', 'grad', false],
    ['*.grad.*', 'train.gs0.ae.grad.main.0.weight', true],
    ['*.grad.*', 'grad.x', false],
    ['a*a', 'a', false],
    ['a*a', 'aa', true],
    ['a*b*c', 'aXbYbZc', true],
    ['a*b*c', 'acb', false],
    ['model.*', 'modelX', false],
    ['a.b', 'aXb', false],
    ['a+b', 'a+b', true],
    ['a[0]', 'a[0]', true],
    ['loss', 'loss0', false],
    ['*betas_f64', 'betas_f64', true],
  ])('%s on %s: %s', (pattern, name, expected) => {
    expect(matchesPattern(pattern, name)).toBe(expected);
  });
});
