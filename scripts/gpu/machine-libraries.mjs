/** The CUDA libraries that a machine has of its own, for those that were not sent. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { delimiter, dirname, join } from 'node:path';
import { findCudaLibraries } from '../../packages/engine/library/index.mjs';

/** @typedef {{name: string, use: string, path: string | null}} Found */

/**
 * Folders in which machines keep CUDA libraries: NVIDIA's packages of the Python on the PATH, and toolkits.
 * @param {NodeJS.ProcessEnv} env
 * @param {string} [toolkits] the folder that holds `cuda`, `cuda-12.9`, ...
 * @returns {string[]}
 */
export function usualFolders(env, toolkits = '/usr/local') {
  const asked = "import sysconfig; print('\\n'.join({sysconfig.get_path('purelib'), sysconfig.get_path('platlib')}))";
  const { status, stdout } = spawnSync('python3', ['-c', asked], { encoding: 'utf8', env, timeout: 20_000 });
  const sites = status === 0 ? stdout.split('\n').filter((line) => line !== '') : [];
  const below = (/** @type {string} */ dir, /** @type {RegExp} */ names) =>
    existsSync(dir)
      ? readdirSync(dir)
          .filter((name) => names.test(name))
          .sort()
          .reverse()
          .map((name) => join(dir, name))
      : [];
  const homes = [...sites.flatMap((site) => below(join(site, 'nvidia'), /./)), ...below(toolkits, /^cuda(?:-|$)/)];
  return homes
    .flatMap((home) => ['lib', 'lib64', 'bin'].map((part) => join(home, part)))
    .filter((dir) => existsSync(dir));
}

/**
 * An environment in which the libraries that are not beside libtensorflow are found where the machine has them. Only folders
 * that hold one of those are added: whatever was sent goes before the machine's.
 * @param {{libraryDir: string, env: NodeJS.ProcessEnv, folders: readonly string[], linkerCache?: string}} options
 * @returns {{env: NodeJS.ProcessEnv, libraries: Found[]}}
 */
export function withMachineLibraries({ libraryDir, env, folders, linkerCache }) {
  const find = (/** @type {NodeJS.ProcessEnv} */ among) =>
    findCudaLibraries({ libraryDir, env: among, ...(linkerCache === undefined ? {} : { linkerCache }) });
  /** @type {Set<string>} */
  const libraryFolders = new Set();
  /** @type {Set<string>} */
  const programFolders = new Set();
  for (const { name, path } of find(env)) {
    if (path !== null) continue;
    const home = folders.find((folder) => existsSync(join(folder, name)));
    if (home !== undefined) (name === 'ptxas' ? programFolders : libraryFolders).add(home);
  }
  const extended = {
    ...env,
    ...added('LD_LIBRARY_PATH', libraryFolders),
    ...added('PATH', programFolders),
    LIBTENSORFLOW_DIR: libraryDir,
  };
  return { env: extended, libraries: find(extended) };

  /** @param {string} variable @param {Set<string>} dirs @returns {Record<string, string>} */
  function added(variable, dirs) {
    const whole = [...dirs, ...(env[variable] ?? '').split(delimiter)].filter((dir) => dir !== '').join(delimiter);
    return whole === '' ? {} : { [variable]: whole };
  }
}

/**
 * @param {readonly Found[]} libraries
 * @param {string} libraryDir
 * @returns {string[]} a line for each library: sent, the machine's, or missing
 */
export function describeLibraries(libraries, libraryDir) {
  const sent = dirname(libraryDir);
  return libraries.map(({ name, use, path }) => {
    const where = path === null ? 'missing' : path.startsWith(sent) ? 'sent' : `the machine's, ${path}`;
    return `${name} (${use}): ${where}`;
  });
}
