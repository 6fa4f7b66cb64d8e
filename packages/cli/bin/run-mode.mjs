/** Decides how to start our TypeScript: the build when it is current, else the sources through tsx. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

/** The folder of the cli package. */
export const packageDir = fileURLToPath(new URL('..', import.meta.url));

/**
 * @typedef {{kind: 'dist' | 'source', nodeArgs: string[], main: string}} RunMode nodeArgs go before the program
 * @typedef {{kind: 'none', message: string}} NoRunMode
 */

/**
 * @param {string} [dir] folder of the cli package
 * @returns {RunMode | NoRunMode}
 */
export function runMode(dir = packageDir) {
  const built = join(dir, 'dist', 'main.js');
  const source = join(dir, 'src', 'main.ts');
  const hasBuild = existsSync(built);
  // An installed package has no sources beside its build.
  if (!existsSync(source)) {
    if (hasBuild) return { kind: 'dist', nodeArgs: [], main: built };
    return { kind: 'none', message: `neither ${built} nor ${source} is there; the package is incomplete` };
  }
  const modules = whyNoModules(dir);
  if (modules !== null) return { kind: 'none', message: modules };
  if (hasBuild && !isStale(join(dir, '..'))) return { kind: 'dist', nodeArgs: [], main: built };
  const tsx = resolveTsx(dir);
  if (tsx) return { kind: 'source', nodeArgs: ['--conditions=@codiff/source', '--import', tsx], main: source };
  const state = hasBuild ? 'the build is older than the sources' : 'nothing is built';
  return { kind: 'none', message: `${state}, and tsx, which runs the sources, is not installed; run 'npm run build'` };
}

/** @param {string} dir @returns {string | null} */
function whyNoModules(dir) {
  for (let at = dir; ; at = join(at, '..')) {
    if (existsSync(join(at, 'node_modules', '@codiff', 'engine', 'package.json'))) return null;
    if (at === join(at, '..'))
      return "the dependencies are not installed; run 'node scripts/setup.mjs' in the repository";
  }
}

/**
 * Whether any package has a source that is newer than its last build, or was checked after it without being built: that
 * too writes the record of the build, and notes what is still to be written.
 * @param {string} packages the folder of all packages
 * @returns {boolean}
 */
export function isStale(packages) {
  for (const name of readdirSync(packages)) {
    const sources = join(packages, name, 'src');
    if (!existsSync(join(packages, name, 'tsconfig.json')) || !existsSync(sources)) continue;
    const record = join(packages, name, 'tsconfig.tsbuildinfo');
    const build = statSync(record, { throwIfNoEntry: false });
    if (!build || readFileSync(record, 'utf8').includes('"affectedFilesPendingEmit"')) return true;
    for (const entry of readdirSync(sources, { recursive: true, withFileTypes: true })) {
      if (!entry.isFile() || !entry.name.endsWith('.ts') || entry.name.endsWith('.test.ts')) continue;
      if (statSync(join(entry.parentPath, entry.name)).mtimeMs > build.mtimeMs) return true;
    }
  }
  return false;
}

/** @param {string} dir @returns {string | null} what `--import` wants */
function resolveTsx(dir) {
  try {
    return pathToFileURL(createRequire(join(dir, 'package.json')).resolve('tsx')).href;
  } catch {
    return null;
  }
}
