/** The ten-second speed check, in a process of its own: a library that crashes must not take the doctor with it. */
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { runMode } from '../../bin/run-mode.mjs';

const program = fileURLToPath(new URL('speed-check.mjs', import.meta.url));
const limitMs = 120_000;

/**
 * @typedef {object} SpeedRow
 * @property {string} name
 * @property {string} shape
 * @property {number} gflops the best of the runs
 * @property {number} medianGflops
 *
 * @typedef {object} Speed
 * @property {string | null} skipped why there are no rows
 * @property {string | null} device
 * @property {readonly string[]} devices all that libtensorflow lists
 * @property {string | null} libraryVersion as the library itself says
 * @property {string | null} why this device
 * @property {SpeedRow[]} rows empty when only the devices were asked for
 */

/** @param {string} why @returns {Speed} */
export const skipped = (why) => ({
  skipped: why,
  device: null,
  devices: [],
  libraryVersion: null,
  why: null,
  rows: [],
});

/**
 * @param {{env: NodeJS.ProcessEnv, mode?: ReturnType<typeof runMode>, script?: string, timeoutMs?: number, devicesOnly?: boolean}} options
 * @returns {Promise<Speed>}
 */
export async function checkSpeed({
  env,
  mode = runMode(),
  script = program,
  timeoutMs = limitMs,
  devicesOnly = false,
}) {
  if (mode.kind === 'none') return skipped(mode.message);
  const { code, signal, stdout, stderr } = await run(
    [...mode.nodeArgs, script, ...(devicesOnly ? ['devices'] : [])],
    env,
    timeoutMs,
  );
  if (code === 0) {
    try {
      return { skipped: null, ...JSON.parse(stdout.trim().split('\n').at(-1) ?? '') };
    } catch {
      return skipped(`the speed check printed no result: ${lastLines(stdout)}`);
    }
  }
  const how =
    signal === 'SIGKILL' ? `took more than ${timeoutMs / 1000} s` : `ended with ${signal ?? `exit code ${code}`}`;
  return skipped(`the speed check ${how}: ${errorLine(stderr) || 'it said nothing'}`);
}

/** The line of an uncaught exception that has its message, without the stack. @param {string} text */
const errorLine = (text) => /^(?:\w+ \[)?\w*Error\b.*$/m.exec(text)?.[0] ?? lastLines(text);

/** @param {string} text */
const lastLines = (text) => text.trim().split('\n').slice(-3).join(' | ');

/** @param {string[]} args @param {NodeJS.ProcessEnv} env @param {number} timeout @returns {Promise<{code: number | null, signal: string | null, stdout: string, stderr: string}>} */
function run(args, env, timeout) {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, args, {
      env,
      timeout,
      killSignal: 'SIGKILL',
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const out = { stdout: '', stderr: '' };
    child.stdout.on('data', (chunk) => {
      out.stdout += chunk;
    });
    child.stderr.on('data', (chunk) => {
      out.stderr += chunk;
    });
    child.on('error', (error) => resolve({ code: 1, signal: null, stdout: '', stderr: error.message }));
    child.on('close', (code, signal) => resolve({ code, signal, ...out }));
  });
}
