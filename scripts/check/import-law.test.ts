import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { browserPackages, checkImports, findCycles, type Manifest, mayImport } from './import-law.mjs';
import { readWorkspace } from './workspace.mjs';

const tfjs = { '@tensorflow/tfjs-core': '4.22.0' };
const manifest = (folder: string, below: string[]): [string, Manifest] => [
  folder,
  {
    name: `@codiff/${folder}`,
    exports: folder === 'ldm-core' ? { '.': {}, './node': {} } : { '.': {} },
    dependencies: { ...tfjs, ...Object.fromEntries(below.map((name) => [`@codiff/${name}`, '0.1.0'])) },
  },
];
const manifests = new Map(Object.entries(mayImport).map(([folder, below]) => manifest(folder, below)));
const root = { name: 'top', devDependencies: { vitest: '4.0.0' } };

/** What the law says of one file that imports one thing. */
const check = (path: string, source: string, more: Record<string, string> = {}) =>
  checkImports({ files: new Map(Object.entries({ [path]: source, ...more })), manifests, root });

describe('the direction of imports', () => {
  it.each([
    ['ldm-core', '@tensorflow/tfjs-core'],
    ['codiff', '@codiff/ldm-core'],
    ['trainer', '@codiff/codiff'],
    ['parity', '@codiff/engine'],
    ['cli', '@codiff/engine'],
    ['cli', '@codiff/ldm-core/node'],
  ])('%s may import %s', (folder, specifier) => {
    expect(check(`packages/${folder}/src/a.ts`, `import { b } from '${specifier}';`)).toEqual([]);
  });

  it.each([
    ['engine', 'ldm-core'],
    ['ldm-core', 'engine'],
    ['ldm-core', 'codiff'],
    ['codiff', 'engine'],
    ['codiff', 'trainer'],
    ['trainer', 'engine'],
    ['trainer', 'cli'],
    ['parity', 'cli'],
    ['cli', 'parity'],
  ])('%s must not import %s, not even a type', (folder, target) => {
    const [problem] = check(`packages/${folder}/src/a.ts`, `\nimport type { B } from '@codiff/${target}';`);
    expect(problem).toMatch(
      RegExp(`^packages/${folder}/src/a\\.ts:2: packages/${folder} must not import @codiff/${target}; it may`),
    );
  });

  it('lets tests share helpers of test folders across packages, and nothing else by path', () => {
    const helper = `import { tiny } from '../../codiff/test/tiny.js';`;
    expect(check('packages/trainer/test/a.test.ts', helper)).toEqual([]);
    expect(check('packages/trainer/src/a.ts', `import { tiny } from '../../codiff/test/tiny.js';`)[0]).toMatch(
      /leaves the package/,
    );
    expect(check('packages/trainer/test/a.test.ts', `import { a } from '../../codiff/src/a.js';`)[0]).toMatch(
      /leaves the package/,
    );
  });

  it('lets tests import any of our packages, and the tools of the top package.json', () => {
    const source = `import { it } from 'vitest'; import { useEngine } from '@codiff/engine';`;
    expect(check('packages/ldm-core/src/a.test.ts', source)).toEqual([]);
    expect(check('packages/ldm-core/test/helper.ts', source)).toEqual([]);
    expect(check('packages/codiff/test/a.test.ts', `import { a } from '@codiff/codiff';`)).toEqual([]);
    expect(check('packages/ldm-core/src/a.ts', `import { it } from 'vitest';`)).toEqual([
      "packages/ldm-core/src/a.ts:1: 'vitest' is not among the dependencies of packages/ldm-core/package.json",
    ]);
  });

  it('asks for a place in the law', () => {
    const more = new Map([...manifests, manifest('novel', ['ldm-core'])]);
    const files = new Map([['packages/novel/src/a.ts', `import { b } from '@codiff/ldm-core';`]]);
    expect(checkImports({ files, manifests: more, root })[0]).toContain(
      'packages/novel has no place in the import law',
    );
  });
});

describe('paths', () => {
  it.each([
    [`'@codiff/ldm-core/src/nn/scope.js'`, /deep import: @codiff\/ldm-core exports only \., \.\/node/],
    [`'../../ldm-core/src/index.js'`, /leaves the package/],
    [`'@codiff/cli'`, /imports its own package/],
    [`'./b'`, /needs its file extension/],
    [`'fs'`, /write 'node:fs'/],
    [`'left-pad'`, /'left-pad' is not among the dependencies of packages\/cli/],
  ])('refuses %s', (specifier, message) => {
    expect(check('packages/cli/src/a.ts', `import b from ${specifier};`)[0]).toMatch(message);
  });

  it('takes relative paths inside the package, also out of src', () => {
    const source = `import { findLibrary } from '../library/index.mjs'; import { b } from './b.js'; import 'node:fs';`;
    expect(check('packages/engine/src/a.ts', source)).toEqual([]);
  });
});

describe('Node in code for browsers', () => {
  it.each([
    [`import { readFile } from 'node:fs/promises';`, /'node:fs\/promises' is a Node module/],
    [`import { a } from '@codiff/ldm-core/node';`, /uses Node; only src\/node\//],
    [`const a = process.env.X;`, /'process' is a Node global/],
    [`const a = Buffer.from([]);`, /'Buffer' is a Node global/],
    [`const a = globalThis.process;`, /'process' is a Node global/],
    [`const a = globalThis?.Buffer;`, /'Buffer' is a Node global/],
  ])('refuses %s', (source, message) => {
    expect(check('packages/codiff/src/a.ts', source)[0]).toMatch(message);
    expect(check('packages/codiff/src/node/a.ts', source)).toEqual([]);
    expect(check('packages/codiff/src/a.test.ts', source)).toEqual([]);
    expect(check('packages/trainer/src/a.ts', source)).toEqual([]);
  });

  it.each(['a.process()', '({ process: 1 })', "'process'", '// process', 'postprocess(x)', 'type A = ArrayBuffer;'])(
    'does not take %j for a Node global',
    (source) => expect(check('packages/codiff/src/a.ts', source)).toEqual([]),
  );
});

describe('cycles', () => {
  it('names a cycle of files, types included, in import order', () => {
    expect(
      check('packages/codiff/src/a.ts', `import { b } from './b.js';`, {
        'packages/codiff/src/b.ts': `import type { C } from './deep/c.js';`,
        'packages/codiff/src/deep/c.ts': `export { a } from '../a.js';`,
        'packages/codiff/src/d.ts': `import { b } from './b.js';`,
      }),
    ).toEqual([
      'import cycle: packages/codiff/src/a.ts -> packages/codiff/src/b.ts -> packages/codiff/src/deep/c.ts -> packages/codiff/src/a.ts',
    ]);
  });

  it('finds each cycle once, the shortest way round, and none in a diamond', () => {
    const graph = (edges: Record<string, string[]>) => new Map(Object.entries(edges));
    expect(findCycles(graph({ a: ['b', 'c'], b: ['d'], c: ['d'], d: [] }))).toEqual([]);
    expect(findCycles(graph({ a: ['a'] }))).toEqual([['a', 'a']]);
    expect(findCycles(graph({ a: ['b'], b: ['c'], c: ['b', 'd'], d: ['a'], x: ['y'], y: ['x'] }))).toEqual([
      ['a', 'b', 'c', 'd', 'a'],
      ['x', 'y', 'x'],
    ]);
  });
});

it('every package of this repository has a place in the law', () => {
  const { manifests, files } = readWorkspace(fileURLToPath(new URL('../..', import.meta.url)));
  for (const folder of manifests.keys()) expect(Object.keys(mayImport), folder).toContain(folder);
  for (const folder of browserPackages) expect(Object.keys(mayImport)).toContain(folder);
  expect(files.size).toBeGreaterThan(10);
});
