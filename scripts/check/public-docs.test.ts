import { describe, expect, it } from 'vitest';
import { checkPublicDocs } from './public-docs.mjs';

/** What the check says of one file of ldm-core that exports this. */
const check = (names: string, source: string, more: Record<string, string> = {}) =>
  checkPublicDocs(
    new Map([
      ['packages/ldm-core/src/index.ts', `export { ${names} } from './a.js';`],
      ['packages/ldm-core/src/a.ts', source],
      ...Object.entries(more),
    ]),
  );

describe('the check of public comments', () => {
  it('takes names with a TSDoc comment, of any kind', () => {
    const source = `/** One. */
export const one = 1;
/**
 * Two.
 */
export async function two() {}
/** Three. */
export abstract class Three {}
/** Four. */
export type Four = string;`;
    expect(check('one, two, Three, type Four', source)).toEqual([]);
  });

  it.each([
    ['none', 'export const one = 1;'],
    ['that of something else', '/** Zero. */\nconst zero = 0;\nexport const one = 1;'],
    ['no TSDoc', '// One.\nexport const one = 1;'],
    ['a plain block', '/* One. */\nexport const one = 1;'],
    ['an empty one', '/** */\nexport const one = 1;'],
  ])('refuses a name with %s', (_, source) => {
    expect(check('one', source)).toEqual([expect.stringMatching(/a\.ts:\d+: 'one' is public and has no TSDoc/)]);
  });

  it('asks for it on a value and on its type', () => {
    const problems = check('One', '/** One. */\nexport const One = 1;\nexport type One = 1;');
    expect(problems).toEqual([expect.stringContaining("a.ts:3: 'One'")]);
  });

  it('needs one comment for the overloads of a function', () => {
    const source = '/** One. */\nexport function one(x: string): string;\nexport function one(x: number): number;';
    expect(check('one', source)).toEqual([]);
  });

  it('follows names through other files, and finds those that nothing declares', () => {
    const onward = "export { two as one } from './b.js';\nexport { gone } from './b.js';";
    const b = { 'packages/ldm-core/src/b.ts': '/** Two. */\nexport const two = 2;' };
    expect(check('one', onward, b)).toEqual([]);
    expect(check('gone', onward, b)).toEqual([
      expect.stringContaining("'gone' is exported from here, but not declared"),
    ]);
  });

  it('looks into whole files', () => {
    const files = new Map([
      ['packages/ldm-core/src/index.ts', "export * as fields from './a.js';"],
      ['packages/ldm-core/src/a.ts', '/** One. */\nexport const one = 1;\nexport const two = 2;'],
    ]);
    expect(checkPublicDocs(files)).toEqual([expect.stringContaining("a.ts:3: 'two'")]);
  });
});
