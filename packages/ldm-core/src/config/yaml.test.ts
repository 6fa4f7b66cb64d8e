import { describe, expect, test } from 'vitest';
import { ConfigError } from './config-error.js';
import { dumpYaml, parseYamlFile, parseYamlValue } from './yaml.js';

describe('values are typed as the original loader types them', () => {
  test.each([
    ['1e-6', 1e-6],
    ['2.0e-6', 2e-6],
    ['32', 32],
    ['true', true],
    ['Yes', true],
    ['off', false],
    ['y', 'y'],
    ['yEs', 'yEs'],
    ['', null],
    ['~', null],
    ['null', null],
    ['0,1,2,3,', '0,1,2,3,'],
    ['2022-08-19', '2022-08-19'],
    ['[1, 2, 3]', [1, 2, 3]],
    ['{target: torch.nn.Identity}', { target: 'torch.nn.Identity' }],
    ["'1'", '1'],
  ])('%s', (text, value) => {
    expect(parseYamlValue(text, 'a')).toEqual(value);
  });
});

/** What the original's loader would replace. */
const INTERPOLATION = ['$', '{b}'].join('');

const problemsOf = (run: () => unknown) => {
  try {
    run();
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  throw new Error('nothing was thrown');
};

test('a syntax error says file, line and column', () => {
  const [problem] = problemsOf(() => parseYamlFile('model:\n  a: [1, 2\n', 'x.yaml'));
  expect(problem).toMatchObject({ file: 'x.yaml' });
  expect(problem!.message).toMatch(/^line \d+, column \d+: not YAML/);
  expect(problem!.suggestion).toContain('quotes');
});

test.each([
  ['', 'wanted a mapping, got null'],
  ['- 1', 'wanted a mapping, got [1]'],
  ['model: 1\nmodel: 2', 'duplicated mapping key'],
  ['a: .inf', 'Infinity is not finite'],
  ['a: [{b: .nan}]', 'NaN is not finite'],
  [`a: "${INTERPOLATION}"`, 'is not supported'],
  ['a: {__proto__: 1}', "'__proto__' is no key"],
])('%j is refused', (text, message) => {
  expect(problemsOf(() => parseYamlFile(text, 'x.yaml'))[0]!.message).toContain(message);
});

test('every problem of a value has its path', () => {
  const paths = problemsOf(() => parseYamlFile(`a: [{b: .nan}, .inf]\nc: "${INTERPOLATION}"`, 'x.yaml')).map(
    ({ path }) => path,
  );
  expect(paths).toEqual(['a[0].b', 'a[1]', 'c']);
});

test('hostile depth and alias bombs end in an error, at once', () => {
  const bomb = ['a: &a [1]', ...Array.from({ length: 30 }, (_, i) => `k${i}: &k${i} [${'*a, '.repeat(10)}1]`)].join(
    '\n',
  );
  expect(problemsOf(() => parseYamlFile(bomb, 'x.yaml'))).toHaveLength(1);
  expect(problemsOf(() => parseYamlFile(`a: ${'['.repeat(200)}`, 'x.yaml'))).toHaveLength(1);
});

test('text written is text read', () => {
  const tree = { a: 1e-6, b: [1, [2]], c: {}, d: null, e: 'yes', f: [], g: 'off', h: '1e3', i: true, j: '', k: 'x: y' };
  expect(parseYamlFile(dumpYaml(tree), 'x.yaml')).toEqual(tree);
});
