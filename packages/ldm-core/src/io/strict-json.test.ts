import { describe, expect, it } from 'vitest';
import { type Json, parseStrictJson } from './strict-json.js';

const plain = (value: Json): unknown =>
  value instanceof Map
    ? Object.fromEntries([...value].map(([key, item]) => [key, plain(item)]))
    : Array.isArray(value)
      ? value.map(plain)
      : value;

describe('parseStrictJson', () => {
  it.each(['{"a": [1, -2.5e3, true, false, null], "b": {"c": "x\\"y\\\\\\u0041\\n"}, "": []}', ' [ ] ', '"\\\\"', '0'])(
    'reads %s as JSON.parse does',
    (text) => {
      expect(plain(parseStrictJson(text))).toEqual(JSON.parse(text));
    },
  );

  it.each([
    ['{"a":1,"a":2}', /'a' occurs twice/],
    ['{"a":1,"\\u0061":2}', /'a' occurs twice/],
    ['[1] 2', /text follows/],
    ['[1,]', /a value was wanted/],
    ['{"a" 1}', /':' was wanted/],
    ['{a:1}', /a string was wanted/],
    ['"abc', /no end/],
    ['"\\x"', /characters or escapes/],
    ['"\u0001"', /characters or escapes/],
    ['01', /text follows/],
    ['', /a value was wanted/],
    ['['.repeat(100_000), /nested too deep/],
  ])('refuses %s', (text, problem) => {
    expect(() => parseStrictJson(text)).toThrow(problem);
  });

  it('keeps __proto__ as an ordinary key', () => {
    expect(parseStrictJson('{"__proto__": 1}')).toEqual(new Map([['__proto__', 1]]));
  });
});
