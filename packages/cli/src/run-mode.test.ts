import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { isStale, runMode } from '../bin/run-mode.mjs';

let dir: string;
let cli: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-run-mode-'));
  cli = join(dir, 'packages', 'cli');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

/** Writes a file of a given age. */
function lay(path: string, secondsAgo = 0, content = ''): void {
  const file = join(dir, path);
  mkdirSync(join(file, '..'), { recursive: true });
  writeFileSync(file, content);
  const time = new Date(Date.now() - secondsAgo * 1000);
  utimesSync(file, time, time);
}

function layClone(): void {
  lay('packages/cli/src/main.ts', 100);
  lay('packages/cli/tsconfig.json', 100);
  lay('packages/cli/package.json', 100, '{}');
  lay('node_modules/@codiff/engine/package.json');
}

const layBuild = (secondsAgo: number) => {
  lay('packages/cli/dist/main.js', secondsAgo);
  lay('packages/cli/tsconfig.tsbuildinfo', secondsAgo);
};

const layTsx = () => {
  lay('node_modules/tsx/package.json', 0, '{"main":"index.js"}');
  lay('node_modules/tsx/index.js');
};

it('runs the build when it is current', () => {
  layClone();
  layBuild(50);
  layTsx();
  expect(runMode(cli)).toEqual({ kind: 'dist', nodeArgs: [], main: join(cli, 'dist', 'main.js') });
});

it('runs the sources when there is no build, or a source of any package is newer', () => {
  layClone();
  layTsx();
  const fromSource = {
    kind: 'source',
    main: join(cli, 'src', 'main.ts'),
    nodeArgs: expect.arrayContaining(['--conditions=@codiff/source']),
  };
  expect(runMode(cli)).toMatchObject(fromSource);
  layBuild(50);
  lay('packages/other/tsconfig.json');
  lay('packages/other/tsconfig.tsbuildinfo', 50);
  lay('packages/other/src/deep/a.ts', 10);
  expect(isStale(join(dir, 'packages'))).toBe(true);
  expect(runMode(cli)).toMatchObject(fromSource);
});

it('runs the sources where they were checked after the build, and not built', () => {
  layClone();
  layBuild(50);
  layTsx();
  // What tsc --noEmit leaves of a package whose sources have changed.
  lay('packages/cli/tsconfig.tsbuildinfo', 0, '{"version":"7.0.2","affectedFilesPendingEmit":[[83,17]]}');
  expect(runMode(cli)).toMatchObject({ kind: 'source' });
});

it('does not count tests and other files as sources, and asks every package for a build', () => {
  layClone();
  layBuild(50);
  lay('packages/cli/src/a.test.ts', 10);
  lay('packages/cli/src/doctor/a.mjs', 10);
  expect(isStale(join(dir, 'packages'))).toBe(false);
  lay('packages/other/tsconfig.json', 100);
  lay('packages/other/src/a.ts', 100);
  expect(isStale(join(dir, 'packages'))).toBe(true);
});

it('says what to do when neither can run', () => {
  lay('packages/cli/src/main.ts', 100);
  expect(runMode(cli)).toMatchObject({
    kind: 'none',
    message: expect.stringContaining("run 'node scripts/setup.mjs'"),
  });
  layClone();
  expect(runMode(cli)).toMatchObject({
    kind: 'none',
    message: expect.stringMatching(/nothing is built, and tsx.*run 'npm run build'/),
  });
  layBuild(200);
  expect(runMode(cli)).toMatchObject({
    kind: 'none',
    message: expect.stringMatching(/the build is older than the sources/),
  });
});

it('runs the build of an installed package, which has no sources', () => {
  lay('packages/cli/dist/main.js');
  expect(runMode(cli)).toMatchObject({ kind: 'dist' });
  rmSync(join(cli, 'dist'), { recursive: true });
  expect(runMode(cli)).toMatchObject({ kind: 'none', message: expect.stringContaining('incomplete') });
});

it('the command runs from this clone, and ends with 2 for a command that there is not, and for files that are none', () => {
  const bin = fileURLToPath(new URL('../bin/codiff.mjs', import.meta.url));
  const unknown = spawnSync(process.execPath, [bin, 'no-such-command'], { encoding: 'utf8' });
  expect(unknown).toMatchObject({ status: 2, stderr: expect.stringMatching(/^codiff: .*no-such-command/) });
  for (const [args, message] of [
    [['train', '-t', '-b', 'nothing.yaml'], /^codiff: config: 1 problem\n {2}nothing\.yaml: cannot be read/],
    [['checkpoint', 'inspect', bin], /codiff\.mjs: of no known format, not a checkpoint/],
    [['dataset', 'check', '--data', 'nothing'], /^codiff: nothing\/image: nothing, one folder was wanted/],
  ] as const) {
    const refused = spawnSync(process.execPath, [bin, ...args], { encoding: 'utf8' });
    expect(refused).toMatchObject({ status: 2, stdout: '', stderr: expect.stringMatching(message) });
    expect(refused.stderr).not.toMatch(/\n\s+at /);
  }
  const help = spawnSync(process.execPath, [bin, '--help'], { encoding: 'utf8' });
  expect(help).toMatchObject({ status: 0, stdout: expect.stringMatching(/checkpoint.*codiff doctor says/s) });
});
