import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { discardRunFolder, eventFolder, makeRunFolder, newRunFolder, resumedRun } from './run-folder.js';

const now = new Date(2026, 10, 2, 9, 5, 7);
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'runs-'));
});
afterEach(() => rmSync(root, { recursive: true }));

describe('newRunFolder', () => {
  const given = { logdir: 'logs', name: '', postfix: '', base: ['configs/512_vae.yaml', 'more.yaml'], now };

  it('is named by time and the first config, or the given name, and the postfix', () => {
    expect(newRunFolder(given).folder).toBe(join('logs', '2026-11-02T09-05-07_512_vae'));
    expect(newRunFolder({ ...given, name: 'try', postfix: '-b' }).folder).toBe(
      join('logs', '2026-11-02T09-05-07_try-b'),
    );
    expect(newRunFolder({ ...given, base: [] }).folder).toBe(join('logs', '2026-11-02T09-05-07'));
  });
});

describe('resumedRun', () => {
  it('finds a run by its folder or a checkpoint, with its configs in name order', async () => {
    const run = newRunFolder({ logdir: root, name: 'a', postfix: '', base: [], now });
    await makeRunFolder(run);
    for (const name of ['2-project.yaml', '1-lightning.yaml', 'notes.txt']) writeFileSync(join(run.configs, name), '');
    const checkpoint = join(run.checkpoints, 'last.ckpt');
    writeFileSync(checkpoint, '');
    const byFolder = resumedRun(run.folder, now);
    expect(byFolder).toEqual({
      run,
      checkpoint: null,
      configs: ['1-lightning.yaml', '2-project.yaml'].map((name) => join(run.configs, name)),
    });
    expect(resumedRun(checkpoint, now)).toEqual({ ...byFolder, checkpoint });
  });

  it('says what is not there', () => {
    expect(() => resumedRun(join(root, 'x'), now)).toThrow('there is no such folder or file');
    mkdirSync(join(root, 'empty'));
    expect(() => resumedRun(join(root, 'empty'), now)).toThrow('holds no config');
  });
});

it('takes a run that never began back, with the folders that were made for it', async () => {
  const [first, second] = ['a', 'b'].map((name) =>
    newRunFolder({ logdir: join(root, 'deep', 'logs'), name, postfix: '', base: [], now }),
  );
  const outermost = await makeRunFolder(first!);
  expect(outermost).toBe(join(root, 'deep'));
  expect(await makeRunFolder(first!)).toBeNull();
  expect(await makeRunFolder(second!)).toBe(second!.folder);
  await discardRunFolder(first!, outermost!);
  expect(readdirSync(join(root, 'deep', 'logs'))).toEqual([basename(second!.folder)]);
  await discardRunFolder(second!, outermost!);
  expect(readdirSync(root)).toEqual([]);
});

it('logs each start of a run in a version folder of its own', () => {
  const testtube = mkdtempSync(join(tmpdir(), 'testtube-'));
  try {
    expect(eventFolder({ testtube }, null)).toBe(join(testtube, 'version_0', 'tf'));
    for (const name of ['version_0', 'version_10', 'version_x']) mkdirSync(join(testtube, name));
    expect(eventFolder({ testtube }, null)).toBe(join(testtube, 'version_11', 'tf'));
    expect(eventFolder({ testtube }, 3)).toBe(join(testtube, 'version_3', 'tf'));
  } finally {
    rmSync(testtube, { recursive: true });
  }
});
