import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ConfigError } from './config-error.js';
import { applyOverrides, parseOverride } from './overrides.js';

const tree = { a: { b: 1, list: [1, { c: 2 }, [3]] }, s: 'x' };

describe('an override', () => {
  test.each([
    ['a.b=2', { ...tree, a: { ...tree.a, b: 2 } }],
    ['a.b=1e-6', { ...tree, a: { ...tree.a, b: 1e-6 } }],
    ['a.b=', { ...tree, a: { ...tree.a, b: null } }],
    ['a.b=x=y', { ...tree, a: { ...tree.a, b: 'x=y' } }],
    ['a.list[0]=7', { ...tree, a: { ...tree.a, list: [7, { c: 2 }, [3]] } }],
    ['a.list.1.c=7', { ...tree, a: { ...tree.a, list: [1, { c: 7 }, [3]] } }],
    ['a.list[2][0]=7', { ...tree, a: { ...tree.a, list: [1, { c: 2 }, [7]] } }],
    ['a.list=[9]', { ...tree, a: { ...tree.a, list: [9] } }],
    ['a={d: 4}', { ...tree, a: { ...tree.a, d: 4 } }],
    ['new.deep.key=true', { ...tree, new: { deep: { key: true } } }],
    ['s.t=1', { ...tree, s: { t: 1 } }],
    ['0.1=5', { ...tree, 0: { 1: 5 } }],
  ])('%s', (text, expected) => {
    expect(applyOverrides(tree, [text])).toEqual(expected);
  });

  test('leaves its argument as it was, and later ones win', () => {
    const before = structuredClone(tree);
    expect(applyOverrides(tree, ['a.b=2', 'a.b=3', 'a.list[1].c=4'])).toMatchObject({
      a: { b: 3, list: [1, { c: 4 }, [3]] },
    });
    expect(tree).toEqual(before);
  });
});

test('every malformed override is named, and indices beyond a list', () => {
  const bad = [
    'a',
    '=1',
    'a..b=1',
    'a[x]=1',
    '.a=1',
    'a.=1',
    'a b=1',
    'a.list[3]=1',
    'a.list.c=1',
    'a.b=[1',
    '__proto__.x=1',
  ];
  try {
    applyOverrides(tree, bad);
    expect.unreachable();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    expect(error.problems).toHaveLength(bad.length);
    for (const [i, text] of bad.entries()) {
      const { path, message } = error.problems[i]!;
      expect(`${path} ${message}`).toContain(text === 'a.b=[1' ? 'a.b' : `'${text}'`);
    }
    expect(error.problems[7]!.suggestion).toBe('use 0 to 2, or give the whole list');
  }
  expect(Object.hasOwn(Object.prototype, 'x')).toBe(false);
});

test('what parses puts its value where it says', () => {
  const key = fc.stringMatching(/^[a-z_]{1,8}$/).filter((word) => word !== '__proto__');
  fc.assert(
    fc.property(fc.array(key, { minLength: 1, maxLength: 5 }), fc.integer(), (keys, value) => {
      const text = `${keys.join('.')}=${value}`;
      expect(parseOverride(text)).toEqual({ keys, value, text });
      const found = keys.reduce<unknown>((at, k) => (at as Record<string, unknown>)[k], applyOverrides({}, [text]));
      expect(found).toBe(value);
    }),
    { seed: 23 },
  );
});
