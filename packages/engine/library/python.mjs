/** Asks a Python for its TensorFlow without importing it, which would take seconds. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { oldestVersion } from './wheels.mjs';

/** Tried in this order, from the PATH. */
const pythons = ['python3', 'python'];

// The empty entry of sys.path is the current folder: a folder of ours called tensorflow is no package of Python's.
const probe = `
import sys
sys.path[:] = [p for p in sys.path if p]
import importlib.util as u
s = u.find_spec('tensorflow')
print(next(iter(s.submodule_search_locations or []), '') if s else '')
`;

/**
 * @param {NodeJS.ProcessEnv} env
 * @returns {{dir: string, version: string | null, python: string} | null} dir is the package's folder
 */
export function pythonTensorflow(env) {
  for (const python of pythons) {
    const { status, stdout } = spawnSync(python, ['-c', probe], {
      encoding: 'utf8',
      env,
      timeout: 20_000,
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const dir = status === 0 ? stdout.trim() : '';
    if (dir !== '' && existsSync(dir)) return { dir, version: packageVersion(dir), python };
  }
  return null;
}

/**
 * @param {string} dir a Python `tensorflow` folder
 * @returns {string | null} the version that pip recorded beside it
 */
export function packageVersion(dir) {
  const parent = dirname(dir);
  if (!existsSync(parent)) return null;
  for (const name of readdirSync(parent)) {
    const match =
      /^(?:tensorflow|tf_nightly)(?:_(?:cpu|gpu|intel|macos|rocm|cpu_aws|aarch64))?-(\d[^-]*)\.dist-info$/.exec(name);
    if (match && existsSync(join(parent, name, 'METADATA'))) return match[1] ?? null;
  }
  return null;
}

/**
 * @param {string} version such as `2.15.1` or `2.18.0rc1`
 * @returns {boolean} whether it is older than the oldest that this engine can use
 */
export function isTooOld(version) {
  const [major = 0, minor = 0] = version.split('.').map((part) => Number.parseInt(part, 10));
  const [oldMajor = 0, oldMinor = 0] = oldestVersion.split('.').map(Number);
  return major < oldMajor || (major === oldMajor && minor < oldMinor);
}
