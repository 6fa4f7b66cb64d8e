import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { filesOf, neededModules } from './modules.mjs';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'codiff-modules-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const lay = (path: string, text = '') => {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
};
const install = (path: string, manifest: object = {}) => lay(`${path}/package.json`, JSON.stringify(manifest));

describe('neededModules', () => {
  it('follows what packages need, each once, around in circles too, and nested copies first', () => {
    install('node_modules/a', { dependencies: { b: '1', '@s/c': '1' } });
    install('node_modules/b', { dependencies: { a: '1', d: '2' } });
    install('node_modules/b/node_modules/d');
    install('node_modules/d');
    install('node_modules/@s/c');
    install('node_modules/unasked');
    expect(neededModules(root, ['a'])).toEqual([
      'node_modules/@s/c',
      'node_modules/a',
      'node_modules/b',
      'node_modules/b/node_modules/d',
    ]);
  });

  it('takes optional and peer packages where they are, and refuses where a needed one is not', () => {
    install('node_modules/a', {
      dependencies: { here: '1', other: '1' },
      optionalDependencies: { here: '1', other: '1' },
      peerDependencies: { peer: '1' },
    });
    install('node_modules/here');
    expect(neededModules(root, ['a'])).toEqual(['node_modules/a', 'node_modules/here']);
    install('node_modules/here', { dependencies: { gone: '1' } });
    expect(() => neededModules(root, ['a'])).toThrow(/^gone, which node_modules\/here needs, is not installed/);
  });

  it('leaves the tools of development behind', () => {
    install('node_modules/a', { dependencies: { typescript: '1', '@types/node': '1' } });
    for (const name of ['typescript', '@types/node']) install(`node_modules/${name}`);
    expect(neededModules(root, ['a'])).toEqual(['node_modules/a']);
  });

  it('finds what the engine needs in this repository', () => {
    const here = fileURLToPath(new URL('../..', import.meta.url)).replace(/[\\/]$/, '');
    const found = neededModules(here, ['@codiff/engine', 'vitest']);
    for (const name of ['@codiff/engine', 'koffi', '@tensorflow/tfjs-core', '@tensorflow/tfjs-node-gpu', 'vite'])
      expect(found).toContain(`node_modules/${name}`);
    expect(found).not.toContain('node_modules/typescript');
  });
});

describe('filesOf', () => {
  it('leaves out what nothing loads, and packages of their own', () => {
    for (const path of [
      'index.js',
      'index.d.ts',
      'index.js.map',
      'README.md',
      'LICENSE',
      'lib/x.node',
      'node_modules/b/b.js',
    ])
      lay(`node_modules/a/${path}`);
    expect(filesOf(root, 'node_modules/a').sort()).toEqual(
      ['LICENSE', 'index.js', 'lib/x.node'].map((name) => `node_modules/a/${name}`),
    );
  });

  it("takes tfjs's files for Node, not its bundles for browsers", () => {
    for (const path of [
      'index.js',
      'tf-core.node.js',
      'tf-core.js',
      'tf-core.min.js',
      'tf-core.fesm.js',
      'tf.es2017.js',
      'ops/add.js',
    ])
      lay(`node_modules/@tensorflow/tfjs-core/dist/${path}`);
    expect(
      filesOf(root, 'node_modules/@tensorflow/tfjs-core')
        .map((path) => path.split('/dist/')[1])
        .sort(),
    ).toEqual(['index.js', 'ops/add.js', 'tf-core.node.js']);
  });

  it('takes a link as a link', () => {
    lay('packages/engine/index.js');
    mkdirSync(join(root, 'node_modules'));
    symlinkSync('../packages/engine', join(root, 'node_modules/engine'));
    expect(filesOf(root, 'node_modules/engine')).toEqual(['node_modules/engine']);
  });
});
