import { type ChildProcess, spawn } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';

const CLI = fileURLToPath(new URL('..', import.meta.url));

/** A program that tells which signals it gets. */
const PROGRAM = `
import { endWithStarter } from ${JSON.stringify(join(CLI, 'src', 'starter.ts'))};
endWithStarter();
const say = (text: string) => process.stdout.write(text + '\\n');
for (const signal of ['SIGINT', 'SIGHUP', 'SIGUSR1', 'SIGUSR2'] as const) process.on(signal, () => say(signal));
process.on('SIGTERM', () => {
  say('SIGTERM');
  process.exit(7);
});
say('ready ' + process.env.CODIFF_STARTED);
setTimeout(() => process.exit(9), 20_000);
`;

let dir: string;
let child: ChildProcess;
let said = '';
beforeEach(async () => {
  dir = mkdtempSync(join(tmpdir(), 'codiff-starter-'));
  // A clone without a build, so that the command runs its sources.
  const cli = join(dir, 'packages', 'cli');
  cpSync(join(CLI, 'bin'), join(cli, 'bin'), { recursive: true });
  mkdirSync(join(cli, 'src'));
  writeFileSync(join(cli, 'src', 'main.ts'), PROGRAM);
  writeFileSync(join(cli, 'package.json'), '{"type":"module"}');
  symlinkSync(join(CLI, '..', '..', 'node_modules'), join(dir, 'node_modules'));
  said = '';
  const { NODE_OPTIONS: _, ...env } = process.env;
  child = spawn(process.execPath, [join(cli, 'bin', 'codiff.mjs'), 'train'], {
    env,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  child.stdout!.on('data', (chunk) => {
    said += chunk;
  });
  // What it starts is not to think so of itself.
  await expect.poll(() => said, { timeout: 20_000 }).toBe('ready undefined\n');
});
afterEach(() => {
  child.kill('SIGTERM');
  rmSync(dir, { recursive: true });
});

describe.skipIf(process.platform === 'win32')('a command that runs from its sources', () => {
  it('gets the signals that are sent to the process that was started, which ends as it does', async () => {
    for (const signal of ['SIGUSR1', 'SIGUSR2', 'SIGHUP', 'SIGINT'] as const) {
      child.kill(signal);
      await expect.poll(() => said, { timeout: 10_000 }).toContain(`${signal}\n`);
    }
    const end = new Promise((resolve) => child.on('close', resolve));
    child.kill('SIGTERM');
    expect(await end).toBe(7);
    expect(said).toBe('ready undefined\nSIGUSR1\nSIGUSR2\nSIGHUP\nSIGINT\nSIGTERM\n');
  });

  it('is asked to end when that process was killed', async () => {
    child.kill('SIGKILL');
    await expect.poll(() => said, { timeout: 10_000 }).toBe('ready undefined\nSIGTERM\n');
  });
});
