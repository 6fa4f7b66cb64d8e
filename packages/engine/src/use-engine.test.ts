import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { engineOrNull } from './engine.js';
import { type EngineOptions, useEngine } from './use-engine.js';

// What is refused before libtensorflow is loaded. Starts are in the tests of processes, and in every test of operations.

const empty = mkdtempSync(join(tmpdir(), 'codiff-use-engine-'));
afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(empty, { recursive: true, force: true });
});

/** A machine without libtensorflow. */
beforeEach(() => {
  for (const [name, value] of Object.entries({ LIBTENSORFLOW_DIR: '', XDG_CACHE_HOME: empty, PATH: empty }))
    vi.stubEnv(name, value);
});

const refusal = async (options: EngineOptions = {}): Promise<unknown> =>
  useEngine(options).then(
    () => 'started',
    ({ name, code, message }) => `${name} ${code}: ${message}`,
  );

describe('useEngine', () => {
  it.each([
    [{ threads: 0 }, 'threads is 0'],
    [{ threads: 1.5 }, 'threads is 1.5'],
    [{ threads: Number.NaN }, 'threads is NaN'],
    [{ branches: 0 }, 'branches is 0'],
    [{ memoryLimitMiB: -3 }, 'memoryLimitMiB is -3'],
    [{ memoryLimitMiB: Number.POSITIVE_INFINITY }, 'memoryLimitMiB is Infinity'],
  ])('refuses %o, whatever else is missing', async (options, what) => {
    expect(await refusal(options)).toBe(`EngineError usage: useEngine: ${what}; a whole number above 0 is wanted`);
    expect(engineOrNull()).toBeNull();
  });

  it('names the ways to get the library where there is none', async () => {
    expect(await refusal()).toBe(
      "EngineError not-found: useEngine: libtensorflow was not found; run 'npm run setup' to fetch it, set LIBTENSORFLOW_DIR to a folder that holds it, or install the Python package tensorflow-cpu",
    );
  });

  it('names the folder that LIBTENSORFLOW_DIR says and that does not hold it', async () => {
    vi.stubEnv('LIBTENSORFLOW_DIR', empty);
    expect(await refusal()).toMatch(
      /^EngineError not-found: useEngine: LIBTENSORFLOW_DIR is '.*', which does not hold /,
    );
  });
});
