/** The user cache: where provided libraries live, how a complete one is told from a broken one, and the chosen build. */
import { readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { isAbsolute, join } from 'node:path';
import { makeFolder } from './disk.mjs';
import { pinnedVersion } from './wheels.mjs';

/** Written last into an unpacked folder: a folder without it is not complete. */
export const markerName = 'codiff.json';

/**
 * @typedef {object} Marker
 * @property {1} format
 * @property {string} version
 * @property {'cpu' | 'gpu'} build
 * @property {string} platform
 * @property {{path: string, bytes: number}[]} files relative to the folder, with forward slashes
 * @property {{name: string, version: string, sha256: string}[]} wheels what the files came from
 */

/**
 * @param {NodeJS.ProcessEnv} env
 * @param {string} [home] the user's home; from the environment when not given
 * @returns {string} the folder of all provided libraries
 */
export function cacheRoot(env, home) {
  const xdg = env.XDG_CACHE_HOME;
  // The XDG specification says that a relative path is to be ignored.
  const base = xdg && isAbsolute(xdg) ? xdg : join(home ?? env.HOME ?? homedir(), '.cache');
  return join(base, 'codiff', 'libtensorflow');
}

/**
 * @param {string} root as `cacheRoot` returns
 * @param {string} platform such as `linux-x64`
 * @param {'cpu' | 'gpu'} build
 * @returns {string}
 */
export const cacheEntry = (root, platform, build) => join(root, `${pinnedVersion}-${build}-${platform}`);

/**
 * @param {string} dir a cache entry
 * @returns {Marker | null} null unless every file is there with its size
 */
export function readMarker(dir) {
  try {
    const marker = JSON.parse(readFileSync(join(dir, markerName), 'utf8'));
    if (marker?.format !== 1 || !Array.isArray(marker.files) || marker.files.length === 0) return null;
    for (const { path, bytes } of marker.files) if (statSync(join(dir, path)).size !== bytes) return null;
    return marker;
  } catch {
    // Missing, unreadable or half written: in each case there is nothing to use here.
    return null;
  }
}

const choiceFile = (/** @type {string} */ root) => join(root, 'build');

/**
 * The build that `--cpu` or `--gpu` asked for, remembered so that later runs without a flag keep to it.
 * @param {string} root
 * @returns {'cpu' | 'gpu' | null}
 */
export function readChoice(root) {
  try {
    const text = readFileSync(choiceFile(root), 'utf8').trim();
    return text === 'cpu' || text === 'gpu' ? text : null;
  } catch {
    return null;
  }
}

/**
 * @param {string} root
 * @param {'cpu' | 'gpu' | null} build null forgets the choice
 */
export function writeChoice(root, build) {
  if (build === null) {
    rmSync(choiceFile(root), { force: true });
    return;
  }
  makeFolder(root);
  writeFileSync(choiceFile(root), `${build}\n`);
}
