/** Downloads one wheel by name and version with pip, whatever Python pip itself belongs to. */
import { spawn } from 'node:child_process';
import { mkdirSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { LibraryError } from './errors.mjs';

/** Ways to start pip, tried in this order from the PATH. */
const pips = [['python3', '-m', 'pip'], ['python', '-m', 'pip'], ['pip3'], ['pip']];

/**
 * @param {string[]} command
 * @param {{env: NodeJS.ProcessEnv, signal?: AbortSignal | undefined}} options
 * @returns {Promise<{code: number | null, output: string}>} code is null when the program is not there
 */
function run([file = '', ...args], { env, signal }) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { env, stdio: ['ignore', 'pipe', 'pipe'], ...(signal ? { signal } : {}) });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk) => (output += chunk));
    child.on('error', (error) =>
      signal?.aborted ? reject(signal.reason) : resolve({ code: null, output: error.message }),
    );
    child.on('close', (code) => resolve({ code: code ?? 1, output }));
  });
}

/**
 * @param {{env: NodeJS.ProcessEnv, signal?: AbortSignal | undefined}} options
 * @returns {Promise<string[] | null>} the command that starts pip; null when there is none
 */
export async function findPip(options) {
  for (const pip of pips) if ((await run([...pip, '--version'], options)).code === 0) return pip;
  return null;
}

/** @param {string} dir @returns {number} bytes of all files below it */
function sizeOf(dir) {
  let sum = 0;
  for (const entry of readdirSync(dir, { recursive: true, withFileTypes: true })) {
    if (!entry.isFile()) continue;
    // pip moves its files while we look.
    sum += statSync(join(entry.parentPath, entry.name), { throwIfNoEntry: false })?.size ?? 0;
  }
  return sum;
}

/**
 * @param {string} file name of a wheel: name-version-python-abi-platform.whl (PEP 427)
 * @returns {string[]} the options that make pip choose exactly this file on any machine
 */
export function pipSelection(file) {
  const [python = '', abi = '', tags = ''] = file
    .replace(/\.whl$/, '')
    .split('-')
    .slice(-3);
  const version = /^cp3(\d+)$/.exec(python)?.[1];
  return [
    '--only-binary=:all:',
    ...tags.split('.').flatMap((tag) => ['--platform', tag]),
    ...(version ? ['--python-version', `3.${version}`, '--implementation', 'cp', '--abi', abi] : []),
  ];
}

/**
 * @param {import('./index.d.mts').Wheel} wheel
 * @param {string} dir an empty folder on the disk that will hold the library; pip's own scratch files go there too
 * @param {{pip: string[], env: NodeJS.ProcessEnv, onBytes: (bytes: number) => void, signal?: AbortSignal | undefined}} options
 * @returns {Promise<string>} path of the wheel
 */
export async function pipDownload(wheel, dir, { pip, env, onBytes, signal }) {
  const scratch = join(dir, 'scratch');
  mkdirSync(scratch, { recursive: true });
  // pip's progress is captured; ours comes from the size of what it has written so far.
  const timer = setInterval(() => onBytes(sizeOf(dir)), 200);
  const args = ['download', '--no-deps', '--no-cache-dir', '--disable-pip-version-check', '--progress-bar', 'off'];
  const command = [...pip, ...args, ...pipSelection(wheel.file), '--dest', dir, `${wheel.name}==${wheel.version}`];
  const { code, output } = await run(command, { env: { ...env, TMPDIR: scratch }, signal }).finally(() =>
    clearInterval(timer),
  );
  signal?.throwIfAborted();
  if (/No space left on device|ENOSPC/.test(output))
    throw Object.assign(new Error('pip ran out of space'), { code: 'ENOSPC' });
  if (code !== 0) {
    const end = output.trim().split('\n').slice(-8).join('\n');
    throw new LibraryError(
      'download-failed',
      `pip could not download ${wheel.name} ${wheel.version}; it said:\n${end}`,
    );
  }
  const found = readdirSync(dir).filter((name) => name.endsWith('.whl'));
  if (found.length !== 1 || found[0] === undefined) {
    throw new LibraryError(
      'download-failed',
      `pip left ${found.length} wheels instead of ${wheel.file}: ${found.join(', ')}`,
    );
  }
  return join(dir, found[0]);
}
