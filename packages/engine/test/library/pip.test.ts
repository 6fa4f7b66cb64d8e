import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findPip, pipDownload, pipSelection } from '../../library/pip.mjs';
import { FakeHome } from './fake-home.js';

let home: FakeHome;
beforeEach(() => {
  home = new FakeHome();
});
afterEach(() => home.remove());

describe('pipSelection', () => {
  it('makes pip choose exactly this file, whatever Python it runs on', () => {
    expect(pipSelection('tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl')).toEqual([
      '--only-binary=:all:',
      '--platform',
      'manylinux_2_27_x86_64',
      '--python-version',
      '3.11',
      '--implementation',
      'cp',
      '--abi',
      'cp311',
    ]);
  });
});

describe('findPip', () => {
  it('is the first that runs, or none', async () => {
    expect(await findPip({ env: home.env })).toEqual(['python3', '-m', 'pip']);
    expect(await findPip({ env: { PATH: home.index } })).toBeNull();
  });
});

describe('pipDownload', () => {
  const download = (signal?: AbortSignal) => {
    const wheel = home.addWheel('tensorflow-cpu', [{ name: 'x', data: Buffer.from('x') }]);
    const inbox = join(home.dir, 'inbox');
    mkdirSync(inbox, { recursive: true });
    const options = { pip: ['python3', '-m', 'pip'], env: home.env, onBytes: () => {}, signal };
    return { wheel, inbox, done: pipDownload(wheel, inbox, options) };
  };

  it('asks for name and version, and gives the path of what came', async () => {
    const { wheel, inbox, done } = download();
    expect(await done).toBe(join(inbox, wheel.file));
    expect(home.downloads()).toEqual(['tensorflow-cpu==2.21.0']);
    expect(readdirSync(inbox)).toContain(wheel.file);
  });

  it('says what pip said when it failed', async () => {
    home.behave({ mode: 'offline' });
    await expect(download().done).rejects.toMatchObject({
      code: 'download-failed',
      message: expect.stringMatching(/pip could not download tensorflow-cpu 2\.21\.0; it said:\n.*name resolution/),
    });
  });

  it('knows a full disk by what pip says', async () => {
    home.behave({ mode: 'full' });
    await expect(download().done).rejects.toMatchObject({ code: 'ENOSPC' });
  });

  it('ends pip when asked to stop', async () => {
    home.behave({ mode: 'hang' });
    await expect(download(AbortSignal.timeout(300)).done).rejects.toMatchObject({ name: 'TimeoutError' });
  });
});
