import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { isTooOld, packageVersion, pythonTensorflow } from '../../library/python.mjs';
import { FakeHome } from './fake-home.js';

let home: FakeHome;
beforeEach(() => {
  home = new FakeHome();
});
afterEach(() => home.remove());

/** A folder with a package of pip's: its own folder, and what pip recorded of it. */
function install(dist: string, files: string[] = ['METADATA']): string {
  const dir = join(home.dir, 'site', 'tensorflow');
  for (const folder of [dir, join(home.dir, 'site', dist)]) mkdirSync(folder, { recursive: true });
  for (const file of files) writeFileSync(join(home.dir, 'site', dist, file), '');
  return dir;
}

it.each([
  ['2.15.1', true],
  ['1.15.5', true],
  ['2.9.0', true],
  ['2.16.0', false],
  ['2.16.0rc0', false],
  ['2.21.0', false],
  ['3.0.0', false],
])('version %s is too old: %s', (version, old) => expect(isTooOld(version)).toBe(old));

describe('packageVersion', () => {
  it.each([
    ['tensorflow-2.20.0.dist-info', '2.20.0'],
    ['tensorflow_cpu-2.19.1.dist-info', '2.19.1'],
    ['tensorflow_cpu_aws-2.16.1.dist-info', '2.16.1'],
    ['tf_nightly-2.22.0.dev20260101.dist-info', '2.22.0.dev20260101'],
    ['tensorflow_metadata-1.17.0.dist-info', null],
    ['tensorflow_estimator-2.15.0.dist-info', null],
    ['tensorflow-2.20.0.egg-info', null],
  ])('of %s is %s', (dist, version) => expect(packageVersion(install(dist))).toBe(version));

  it('is not taken from what a removed package left', () => {
    expect(packageVersion(install('tensorflow-2.20.0.dist-info', ['RECORD']))).toBeNull();
  });

  it('is unknown where the folder is not there', () => {
    expect(packageVersion(join(home.dir, 'nowhere', 'tensorflow'))).toBeNull();
  });
});

describe('pythonTensorflow', () => {
  it("names the package's folder, its version and the Python", () => {
    const dir = install('tensorflow_cpu-2.19.1.dist-info');
    home.behave({ mode: 'offline', tensorflow: dir });
    expect(pythonTensorflow(home.env)).toEqual({ dir, version: '2.19.1', python: 'python3' });
  });

  it('is null where Python has none, says a folder that is not there, or does not run', () => {
    expect(pythonTensorflow(home.env)).toBeNull();
    home.behave({ mode: 'offline', tensorflow: join(home.dir, 'gone') });
    expect(pythonTensorflow(home.env)).toBeNull();
    expect(pythonTensorflow({ PATH: home.dir })).toBeNull();
  });
});
