/** Keeps node_modules equal to package-lock.json. */
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

/**
 * @typedef {object} LockEntry
 * @property {string} [version]
 * @property {string} [integrity]
 * @property {boolean} [link]
 * @property {boolean} [optional]
 * @property {string[]} [os]
 * @property {string[]} [cpu]
 * @property {string[]} [libc]
 *
 * @typedef {object} LockFile
 * @property {Record<string, LockEntry>} packages
 */

/**
 * Says why node_modules has to be installed. npm leaves its own lock file in node_modules: comparing the two by
 * content holds after a checkout or a copy, where times of change mean nothing.
 * @param {string} root the repository
 * @returns {string | null} the reason; null when nothing is to do
 */
export function whyInstall(root) {
  const wanted = readLock(join(root, 'package-lock.json'));
  if (!existsSync(join(root, 'node_modules'))) return 'node_modules is missing';
  if (!wanted) return 'package-lock.json is missing';
  const installed = readLock(join(root, 'node_modules', '.package-lock.json'));
  if (!installed) return 'node_modules was not finished by npm';
  return compareLocks(wanted, installed, process);
}

/** @param {string} path @returns {LockFile | undefined} */
function readLock(path) {
  try {
    const lock = JSON.parse(readFileSync(path, 'utf8'));
    return typeof lock?.packages === 'object' ? lock : undefined;
  } catch {
    return undefined;
  }
}

/**
 * @param {LockFile} wanted package-lock.json
 * @param {LockFile} installed node_modules/.package-lock.json
 * @param {{platform: string, arch: string}} machine
 * @returns {string | null} the first difference that asks for an install
 */
export function compareLocks(wanted, installed, machine) {
  for (const [path, entry] of Object.entries(wanted.packages)) {
    if (path === '') continue;
    const present = installed.packages[path];
    if (present) {
      if (present.version === entry.version && present.integrity === entry.integrity) continue;
      return `${path} is ${present.version}, package-lock.json wants ${entry.version}`;
    }
    if (!entry.optional || isForMachine(entry, machine)) return `${path} is missing`;
  }
  for (const path of Object.keys(installed.packages)) {
    if (!(path in wanted.packages)) return `${path} is installed but not in package-lock.json`;
  }
  return null;
}

/**
 * An optional package must be there only if it names this system and processor; where the C library matters too,
 * npm decides.
 * @param {LockEntry} entry @param {{platform: string, arch: string}} machine
 */
function isForMachine({ os, cpu, libc }, { platform, arch }) {
  return libc === undefined && os !== undefined && cpu !== undefined && os.includes(platform) && cpu.includes(arch);
}

/**
 * Runs npm. Its output is shown only when it fails or when asked for.
 * @param {string} root
 * @param {{verbose?: boolean, signal?: AbortSignal}} [options]
 */
export async function installModules(root, { verbose = false, signal } = {}) {
  // 'npm ci' empties node_modules first, under the feet of whatever runs from it: only for one that npm never finished.
  const fresh = !existsSync(join(root, 'node_modules', '.package-lock.json'));
  const command = fresh && existsSync(join(root, 'package-lock.json')) ? 'ci' : 'install';
  const npm = npmCommand();
  const args = [...npm.args, command, '--no-audit', '--no-fund', ...(verbose ? [] : ['--loglevel=error'])];
  const { code, output } = await new Promise((resolve, reject) => {
    const child = spawn(npm.file, args, {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
      shell: process.platform === 'win32' && npm.args.length === 0,
      ...(signal ? { signal } : {}),
    });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.on('data', (chunk) => {
        output += chunk;
        if (verbose) process.stderr.write(chunk);
      });
    }
    child.on('error', reject);
    child.on('close', (code) => resolve({ code, output }));
  });
  if (code !== 0) {
    throw new Error(
      `set-up: 'npm ${command}' failed with exit code ${code}; npm said:\n${firstLines(output)}\n` +
        'Node modules come from the npm registry: check the network, or copy node_modules from a machine of the same system.',
    );
  }
}

/** How to start npm: under `npm run`, the npm that runs us; else the one on the PATH. */
export function npmCommand() {
  const script = process.env.npm_execpath;
  return script && /npm-cli\.c?js$/.test(script)
    ? { file: process.execPath, args: [script] }
    : { file: 'npm', args: [] };
}

/** npm follows a usage error with its whole manual. @param {string} output */
function firstLines(output) {
  const lines = output.trim().split('\n');
  const manual = lines.findIndex((line) => /^npm error (Usage:|Clean install a project)/.test(line));
  return lines
    .slice(0, manual < 0 ? 30 : Math.min(manual, 30))
    .join('\n')
    .trim();
}
