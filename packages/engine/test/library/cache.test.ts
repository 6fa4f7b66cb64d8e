import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { cacheEntry, cacheRoot, markerName, readChoice, readMarker, writeChoice } from '../../library/cache.mjs';
import { pinnedVersion } from '../../library/index.mjs';

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-cache-'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

describe('cacheRoot', () => {
  const inside = (base: string) => join(base, 'codiff', 'libtensorflow');

  it('is where XDG_CACHE_HOME says, if that is an absolute path', () => {
    expect(cacheRoot({ XDG_CACHE_HOME: dir, HOME: '/home/x' })).toBe(inside(dir));
    expect(cacheRoot({ XDG_CACHE_HOME: 'relative', HOME: '/home/x' })).toBe(inside('/home/x/.cache'));
    expect(cacheRoot({ XDG_CACHE_HOME: '', HOME: '/home/x' })).toBe(inside('/home/x/.cache'));
  });

  it("is in the user's home otherwise: the one given, the environment's, the system's", () => {
    expect(cacheRoot({ HOME: '/home/x' }, '/home/given')).toBe(inside('/home/given/.cache'));
    expect(cacheRoot({})).toBe(inside(join(homedir(), '.cache')));
  });

  it('has an entry for each version, build and system', () => {
    expect(cacheEntry('root', 'linux-x64', 'gpu')).toBe(join('root', `${pinnedVersion}-gpu-linux-x64`));
  });
});

describe('readMarker', () => {
  const files = [{ path: 'tensorflow/lib.so', bytes: 4 }];
  const lay = (marker: unknown, text = 'four') => {
    mkdirSync(join(dir, 'tensorflow'), { recursive: true });
    writeFileSync(join(dir, 'tensorflow', 'lib.so'), text);
    writeFileSync(join(dir, markerName), typeof marker === 'string' ? marker : JSON.stringify(marker));
  };

  it('gives what set-up wrote, while every file is there with its size', () => {
    lay({ format: 1, version: '2.21.0', files });
    expect(readMarker(dir)).toMatchObject({ version: '2.21.0', files });
    lay({ format: 1, version: '2.21.0', files }, 'five!');
    expect(readMarker(dir)).toBeNull();
    rmSync(join(dir, 'tensorflow', 'lib.so'));
    expect(readMarker(dir)).toBeNull();
  });

  it.each([
    ['of another format', { format: 2, files }],
    ['without files', { format: 1, files: [] }],
    ['whose files are no list', { format: 1, files: 'all' }],
    ['half written', '{"format": 1, "fil'],
    ['of null', 'null'],
  ])('does not trust a marker %s', (_, marker) => {
    lay(marker);
    expect(readMarker(dir)).toBeNull();
  });

  it('is null where there is none', () => {
    expect(readMarker(join(dir, 'nowhere'))).toBeNull();
  });
});

describe('the chosen build', () => {
  it('is remembered until it is forgotten, twice too', () => {
    const root = join(dir, 'not', 'there', 'yet');
    expect(readChoice(root)).toBeNull();
    writeChoice(root, 'gpu');
    expect(readChoice(root)).toBe('gpu');
    writeChoice(root, 'cpu');
    expect(readChoice(root)).toBe('cpu');
    writeChoice(root, null);
    writeChoice(root, null);
    expect(readChoice(root)).toBeNull();
    expect(readdirSync(root)).toEqual([]);
  });

  it('that is neither is none', () => {
    writeFileSync(join(dir, 'build'), 'tpu\n');
    expect(readChoice(dir)).toBeNull();
  });
});
