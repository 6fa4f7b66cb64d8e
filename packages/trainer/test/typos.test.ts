import { ConfigError, type ConfigProblem, type ConfigTree, isTree } from '@codiff/ldm-core';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { checkTrainingConfig } from '../src/index.js';
import { NAMES, readConfig } from './configs.js';

const configs = Object.fromEntries(NAMES.map((name) => [name, readConfig(name)]));

type Path = readonly string[];

/** The path of every key that a schema knows, and of every target. Only the main file is misspelt. */
function* keysOf(tree: ConfigTree, path: Path = []): Generator<Path> {
  for (const [key, value] of Object.entries(tree)) {
    if (key === 'model_files') continue;
    yield [...path, key];
    if (isTree(value)) yield* keysOf(value, [...path, key]);
  }
}

const at = (tree: ConfigTree, path: Path): unknown =>
  path.reduce<unknown>((node, key) => (node as ConfigTree)[key], tree);

/** The tree with the entry at a path replaced. */
function change(
  tree: ConfigTree,
  [key, ...rest]: Path,
  entry: (key: string, value: unknown) => [string, unknown],
): ConfigTree {
  const entries = Object.entries(tree).map(([k, value]): [string, unknown] =>
    k !== key ? [k, value] : rest.length === 0 ? entry(k, value) : [k, change(value as ConfigTree, rest, entry)],
  );
  return Object.fromEntries(entries);
}

/** One slip of a finger: a letter left out, doubled, changed, or swapped with the next. */
const slip = fc.record({
  at: fc.nat(),
  kind: fc.constantFrom('drop', 'insert', 'change', 'swap'),
  letter: fc.constantFrom(...'qxzjv'),
});

function misspell(word: string, { at, kind, letter }: { at: number; kind: string; letter: string }): string {
  const i = at % word.length;
  if (kind === 'drop') return word.slice(0, i) + word.slice(i + 1);
  if (kind === 'insert') return word.slice(0, i) + letter + word.slice(i);
  if (kind === 'change') return word.slice(0, i) + letter + word.slice(i + 1);
  return word.slice(0, i) + word.slice(i + 1, i + 2) + word.slice(i, i + 1) + word.slice(i + 2);
}

function problemsOf(tree: ConfigTree): readonly ConfigProblem[] {
  try {
    checkTrainingConfig(tree);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

const anyKey = fc
  .constantFrom(...NAMES)
  .chain((name) => fc.record({ name: fc.constant(name), path: fc.constantFrom(...keysOf(configs[name]!)), slip }));

test('a misspelt key is named, with the right one', () => {
  fc.assert(
    fc.property(anyKey, ({ name, path, slip }) => {
      const key = path.at(-1)!;
      const wrong = misspell(key, slip);
      const parent = at(configs[name]!, path.slice(0, -1)) as ConfigTree;
      fc.pre(wrong !== '' && wrong !== key && !Object.hasOwn(parent, wrong));
      // Defaults give every run callbacks: a misspelt one is then there twice.
      const problems = problemsOf(change(configs[name]!, path, (_, value) => [wrong, value]));
      const named = problems.find((problem) => problem.path === [...path.slice(0, -1), wrong].join('.'));
      expect({ problems, named: named?.suggestion }).toMatchObject({
        named: expect.stringContaining(`did you mean '${key}'?`),
      });
    }),
    { seed: 23, numRuns: 200 },
  );
});

test('a misspelt target is named, with the right one', () => {
  const anyTarget = anyKey.filter(({ path }) => path.at(-1) === 'target');
  fc.assert(
    fc.property(anyTarget, ({ name, path, slip }) => {
      const id = at(configs[name]!, path) as string;
      const wrong = misspell(id, slip);
      fc.pre(wrong !== id);
      const problems = problemsOf(change(configs[name]!, path, (key) => [key, wrong]));
      expect(problems).toContainEqual(
        expect.objectContaining({ path: path.join('.'), suggestion: `did you mean '${id}'?` }),
      );
    }),
    { seed: 23, numRuns: 100 },
  );
});

test('a value of the wrong kind is named', () => {
  fc.assert(
    fc.property(anyKey, ({ name, path }) => {
      const value = at(configs[name]!, path);
      fc.pre(typeof value === 'number' || typeof value === 'boolean' || Array.isArray(value));
      // Ignored arguments take any value.
      fc.pre(!['image_size', 'wrap', 'benchmark'].includes(path.at(-1)!));
      const problems = problemsOf(change(configs[name]!, path, (key) => [key, { wrong: true }]));
      expect(problems.map((problem) => problem.path)).toContain(path.join('.'));
    }),
    { seed: 23, numRuns: 100 },
  );
});
