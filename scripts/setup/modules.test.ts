import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { compareLocks, installModules, whyInstall } from './modules.mjs';

const machine = { platform: 'linux', arch: 'x64' };
const base = {
  '': {},
  'node_modules/a': { version: '1.0.0', integrity: 'sha512-a' },
  'node_modules/@codiff/engine': { link: true },
  'packages/engine': { version: '0.1.0' },
};
const compare = (wanted: object, installed: object = wanted) =>
  compareLocks({ packages: { ...base, ...wanted } }, { packages: { ...base, ...installed } }, machine);

describe('compareLocks', () => {
  it('is content when both agree', () => expect(compare({})).toBeNull());

  it.each([
    [
      'another version',
      { 'node_modules/a': { version: '2.0.0', integrity: 'sha512-b' } },
      {},
      'node_modules/a is 1.0.0, package-lock.json wants 2.0.0',
    ],
    [
      'another content',
      { 'node_modules/a': { version: '1.0.0', integrity: 'sha512-b' } },
      {},
      'node_modules/a is 1.0.0, package-lock.json wants 1.0.0',
    ],
    ['a missing package', { 'node_modules/b': { version: '1.0.0' } }, {}, 'node_modules/b is missing'],
    [
      'a package too many',
      {},
      { 'node_modules/b': { version: '1.0.0' } },
      'node_modules/b is installed but not in package-lock.json',
    ],
    [
      "this machine's optional package",
      { 'node_modules/n': { optional: true, os: ['linux'], cpu: ['x64'] } },
      {},
      'node_modules/n is missing',
    ],
  ])('asks for an install for %s', (_, wanted, installed, reason) => expect(compare(wanted, installed)).toBe(reason));

  it.each([
    ['another system', { os: ['darwin'], cpu: ['x64'] }],
    ['another processor', { os: ['linux'], cpu: ['arm64'] }],
    ['a C library that npm has to judge', { os: ['linux'], cpu: ['x64'], libc: ['musl'] }],
    ['anything unnamed', {}],
  ])('does not miss an optional package for %s', (_, entry) => {
    expect(compare({ 'node_modules/n': { version: '1.0.0', optional: true, ...entry } }, {})).toBeNull();
  });
});

describe('with files', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'codiff-modules-'));
  });
  afterEach(() => rmSync(root, { recursive: true, force: true }));
  const lay = (path: string, content: unknown) => {
    mkdirSync(join(root, path, '..'), { recursive: true });
    writeFileSync(join(root, path), typeof content === 'string' ? content : JSON.stringify(content));
  };

  it('tells a missing, a half-made and a complete node_modules apart', () => {
    lay('package-lock.json', { lockfileVersion: 3, packages: base });
    expect(whyInstall(root)).toBe('node_modules is missing');
    mkdirSync(join(root, 'node_modules'));
    expect(whyInstall(root)).toBe('node_modules was not finished by npm');
    lay('node_modules/.package-lock.json', '{"packages":');
    expect(whyInstall(root)).toBe('node_modules was not finished by npm');
    lay('node_modules/.package-lock.json', { lockfileVersion: 3, packages: base });
    expect(whyInstall(root)).toBeNull();
    rmSync(join(root, 'package-lock.json'));
    expect(whyInstall(root)).toBe('package-lock.json is missing');
  });

  it('installs a workspace without dependencies, and is content with what npm did', async () => {
    const lock = {
      name: 'top',
      lockfileVersion: 3,
      requires: true,
      packages: { '': { name: 'top', workspaces: ['packages/*'] } },
    };
    lay('package.json', { name: 'top', private: true, workspaces: ['packages/*'] });
    lay('packages/one/package.json', { name: 'one', version: '1.0.0' });
    lay('package-lock.json', {
      ...lock,
      packages: {
        ...lock.packages,
        'node_modules/one': { resolved: 'packages/one', link: true },
        'packages/one': { name: 'one', version: '1.0.0' },
      },
    });
    await installModules(root);
    expect(whyInstall(root)).toBeNull();
  });

  it('passes on what npm said when it fails', async () => {
    lay('package.json', { name: 'top', dependencies: { one: 'file:./nowhere' } });
    lay('package-lock.json', '{}');
    await expect(installModules(root)).rejects.toThrow(
      /set-up: 'npm ci' failed with exit code 1; npm said:\n.*npm error/s,
    );
  });
});

it('is content with the node_modules that this test runs from', () => {
  expect(whyInstall(fileURLToPath(new URL('../..', import.meta.url)))).toBeNull();
});

it('locks every optional package of every system, without which npm ci refuses a fresh clone', () => {
  const lock = JSON.parse(readFileSync(new URL('../../package-lock.json', import.meta.url), 'utf8'));
  const entries = Object.entries<{ optionalDependencies?: Record<string, string> }>(lock.packages);
  const missing = entries.flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies).filter(
      (name) => !(`node_modules/${name}` in lock.packages) && !(`${path}/node_modules/${name}` in lock.packages),
    ),
  );
  expect(missing).toEqual([]);
});
