import { expect, it } from 'vitest';
import { missingFiles } from './packs.mjs';

const manifest = {
  name: '@codiff/x',
  exports: {
    '.': { '@codiff/source': './src/index.ts', types: './dist/index.d.ts', default: './dist/index.js' },
    './plain': './plain.mjs',
  },
  bin: { x: './bin/x.mjs' },
};
const whole = ['README.md', 'LICENSE', 'dist/index.d.ts', 'dist/index.js', 'plain.mjs', 'bin/x.mjs'];

it('is content with an archive that holds what the manifest names, without the sources', () => {
  expect(missingFiles(manifest, new Set(whole))).toEqual([]);
});

it.each(whole)('misses %s', (path) => {
  const problems = missingFiles(manifest, new Set(whole.filter((other) => other !== path)));
  expect(problems).toEqual([expect.stringContaining(`@codiff/x: the archive lacks ${path} (`)]);
});
