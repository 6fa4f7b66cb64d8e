import { existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import inspector from 'node:inspector';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { moveToDebugRuns, openDebugger } from './debugging.js';

it('moves the run of a debugging session beside the others', async () => {
  const root = mkdtempSync(join(tmpdir(), 'debug-'));
  try {
    mkdirSync(join(root, 'run', 'checkpoints'), { recursive: true });
    expect(await moveToDebugRuns(join(root, 'run'))).toBe(join(root, 'debug_runs', 'run'));
    expect(existsSync(join(root, 'debug_runs', 'run', 'checkpoints'))).toBe(true);
    expect(await moveToDebugRuns(join(root, 'run'))).toBeNull();
  } finally {
    rmSync(root, { recursive: true });
  }
});

it('opens a debugger on this machine only, once', () => {
  try {
    const url = openDebugger(false);
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+\//);
    expect(openDebugger(false)).toBe(url);
  } finally {
    inspector.close();
  }
});
