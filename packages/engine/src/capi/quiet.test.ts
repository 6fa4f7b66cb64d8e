import { fstatSync, statSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { loadQuietly } from './quiet.js';

const LEVEL = 'TF_CPP_MIN_LOG_LEVEL';
let before: string | undefined;
beforeEach(() => {
  before = process.env[LEVEL];
  delete process.env[LEVEL];
});
afterEach(() => {
  if (before === undefined) delete process.env[LEVEL];
  else process.env[LEVEL] = before;
});

type Library = ReturnType<typeof loadQuietly>;

/** A library that has the log function of one Abseil release, or of none; and the levels it was set to. */
function library(release: string) {
  const levels: number[] = [];
  const func = (name: string) => {
    if (!name.includes(release)) throw new Error(`no symbol ${name}`);
    return (level: number) => levels.push(level);
  };
  return { library: { func } as object as Library, levels };
}

const stderrIsNowhere = (): boolean =>
  fstatSync(2).rdev === statSync('/dev/null').rdev && fstatSync(2).isCharacterDevice();

describe.skipIf(process.platform === 'win32')('loadQuietly', () => {
  it('silences standard error while it loads, and no longer', () => {
    const { dev, ino } = fstatSync(2);
    const { library: framework } = library('20250814');
    let inside = false;
    expect(
      loadQuietly(() => {
        inside = stderrIsNowhere();
        return framework;
      }),
    ).toBe(framework);
    expect(inside).toBe(true);
    expect(fstatSync(2)).toMatchObject({ dev, ino });
  });

  it('gives standard error back when loading fails', () => {
    const { dev, ino } = fstatSync(2);
    expect(() =>
      loadQuietly(() => {
        throw new Error('no library');
      }),
    ).toThrow('no library');
    expect(fstatSync(2)).toMatchObject({ dev, ino });
  });

  it.each(['20230802', '20250814'])("raises Abseil %s's level to fatal, for child processes too", (release) => {
    const { library: framework, levels } = library(release);
    loadQuietly(() => framework);
    expect(levels).toEqual([3]);
    expect(process.env[LEVEL]).toBe('3');
  });

  it('takes a library with another Abseil as it is', () => {
    const { library: framework } = library('29991231');
    expect(loadQuietly(() => framework)).toBe(framework);
  });

  it.each(['0', '1', '2'])('leaves the messages to whoever asks for them with level %s', (level) => {
    process.env[LEVEL] = level;
    const { library: framework, levels } = library('20250814');
    const { ino } = fstatSync(2);
    let inside = 0;
    loadQuietly(() => {
      inside = fstatSync(2).ino;
      return framework;
    });
    expect([inside, levels, process.env[LEVEL]]).toEqual([ino, [], level]);
  });
});
