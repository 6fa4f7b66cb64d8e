import { describe, expect, it } from 'vitest';
import { scanImports, stripSource } from './scan-imports.mjs';

const specifiers = (source: string) => scanImports(source).map(({ specifier }) => specifier);

describe('scanImports', () => {
  it.each([
    [`import a from 'x'`, false],
    [`import * as tf from "x";`, false],
    [`import { a, type B } from 'x'`, false],
    [`import {\n  a,\n  b as c,\n} from 'x'`, false],
    [`import a, { b } from 'x'`, false],
    [`import 'x'`, false],
    [`export * from 'x'`, false],
    [`export * as name from 'x'`, false],
    [`export { a } from 'x'`, false],
    [`const a = await import('x')`, false],
    [`const a = require('x')`, false],
    [`import type { A } from 'x'`, true],
    [`import type A from 'x'`, true],
    [`import type * as A from 'x'`, true],
    [`import { type A, type B } from 'x'`, true],
    [`export type { A } from 'x'`, true],
    [`let a: import('x').A`, true],
    [`import type from 'x'`, false],
    [`import { type } from 'x'`, false],
    [`const s = \`a \${await import('x')} b\``, false],
    [`const ratio = a / b; import('x'); const other = c / d;`, false],
  ])('finds x in %j, type only: %s', (source, typeOnly) => {
    expect(scanImports(source)).toEqual([{ specifier: 'x', typeOnly, line: expect.any(Number) }]);
  });

  it.each([
    `// import a from 'x'`,
    `/* import a from 'x' */`,
    `const s = "import a from 'x'"`,
    `const s = \`import a from 'x'\``,
    `const pattern = /import 'x'/;`,
    `return /['"]import('x')/.test(s)`,
    `object.import('x')`,
    `const important = from('x')`,
    `export const a = 1`,
    `export { a }`,
    `const s = 'it\\'s'; // import('x')`,
  ])('finds nothing in %j', (source) => expect(specifiers(source)).toEqual([]));

  it('counts lines through comments and templates, and keeps the order', () => {
    const source = "/* one\ntwo */ import a from 'a';\nconst t = `x\ny \nz`;\nimport b from 'b';\nexport * from 'c';\n";
    expect(scanImports(source).map(({ specifier, line }) => [specifier, line])).toEqual([
      ['a', 2],
      ['b', 6],
      ['c', 7],
    ]);
  });

  it('does not join one statement with the next', () => {
    expect(scanImports(`export type A = { b: string };\nimport { c } from 'c';`)).toEqual([
      { specifier: 'c', typeOnly: false, line: 2 },
    ]);
  });
});

it('stripSource keeps code, and takes words out of strings, comments and patterns', () => {
  const { code, strings } = stripSource(`const a = 'process'; // Buffer\nb = c / d / e; f = /process/g;`);
  expect(code).toBe('const a = "0"; \nb = c / d / e; f = 0;');
  expect(strings).toEqual(['process']);
});
