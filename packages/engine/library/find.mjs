/** Finds libtensorflow: LIBTENSORFLOW_DIR, then the user cache, then an importable Python tensorflow. Downloads nothing. */
import { existsSync, readFileSync, realpathSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { cacheEntry, cacheRoot, readChoice, readMarker } from './cache.mjs';
import { readElf } from './elf.mjs';
import { LibraryError } from './errors.mjs';
import { nvidiaDriver } from './nvidia.mjs';
import { namesFor } from './platforms.mjs';
import { isTooOld, packageVersion, pythonTensorflow } from './python.mjs';
import { oldestVersion } from './wheels.mjs';

/**
 * @param {import('./index.d.mts').FindOptions} [options]
 * @returns {import('./index.d.mts').LibraryLocation | null}
 */
export function findLibrary(options) {
  return searchLibrary(options).library;
}

/**
 * @param {import('./index.d.mts').FindOptions} [options]
 * @returns {import('./index.d.mts').LibrarySearch}
 */
export function searchLibrary(options = {}) {
  const { env = process.env, home, platform = process.platform, arch = process.arch } = options;
  const system = { platform, arch };
  /** @type {string[]} */
  const refused = [];
  if (env.LIBTENSORFLOW_DIR) return { library: fromVariable(env.LIBTENSORFLOW_DIR, system), refused };

  const root = cacheRoot(env, home);
  for (const build of preferredBuilds(root, `${platform}-${arch}`, options.hasDriver)) {
    const dir = cacheEntry(root, `${platform}-${arch}`, build);
    const marker = readMarker(dir);
    const files = marker && libraryFiles(join(dir, 'tensorflow'), platform);
    if (files) {
      const library = { dir: join(dir, 'tensorflow'), ...files, version: marker.version, gpu: build === 'gpu' };
      return { library: { ...library, source: 'cache', why: `the ${build} build in the user cache` }, refused };
    }
    if (existsSync(dir)) refused.push(`${dir} is incomplete or altered`);
  }

  const python = pythonTensorflow(env);
  if (!python) return { library: null, refused };
  const files = libraryFiles(python.dir, platform);
  const name = `${python.python}'s tensorflow ${python.version ?? 'of unknown version'} in ${python.dir}`;
  if (!files) refused.push(`${name} has no ${namesFor(platform).cc[0]} and ${namesFor(platform).framework[0]}`);
  else if (python.version === null) refused.push(`${name}: ${oldestVersion} or newer is wanted`);
  else if (isTooOld(python.version)) refused.push(`${name} is too old: ${oldestVersion} or newer is wanted`);
  else {
    const { gpu } = inspect(files, system);
    const why = `the tensorflow package of ${python.python}`;
    return { library: { dir: python.dir, ...files, source: 'python', version: python.version, gpu, why }, refused };
  }
  return { library: null, refused };
}

/**
 * @param {string} dir the variable's value
 * @param {{platform: string, arch: string}} system
 * @returns {import('./index.d.mts').LibraryLocation}
 */
function fromVariable(dir, system) {
  const { platform } = system;
  for (const candidate of [dir, join(dir, 'lib'), join(dir, 'tensorflow')]) {
    const files = libraryFiles(candidate, platform);
    if (!files) continue;
    const { gpu } = inspect(files, system);
    const version = packageVersion(candidate) ?? headerVersion(candidate) ?? fileVersion(files.cc);
    return { dir: candidate, ...files, source: 'LIBTENSORFLOW_DIR', version, gpu, why: 'LIBTENSORFLOW_DIR names it' };
  }
  const { cc, framework } = namesFor(platform);
  throw new LibraryError(
    'incomplete',
    `LIBTENSORFLOW_DIR is '${dir}', which ${existsSync(dir) ? 'does not hold' : 'does not exist; wanted is a folder with'} ` +
      `${framework[0]} and ${cc[0]} (or ${cc[1] ?? cc[0]}), itself or in lib/ or tensorflow/. Correct it or unset it.`,
  );
}

/** @param {string} dir @param {string} platform @returns {{framework: string, cc: string} | null} */
function libraryFiles(dir, platform) {
  const names = namesFor(platform);
  const framework = names.framework.map((name) => join(dir, name)).find((path) => existsSync(path));
  const cc = names.cc.map((name) => join(dir, name)).find((path) => existsSync(path));
  return framework && cc ? { framework, cc } : null;
}

/**
 * Which build of the cache to prefer: the chosen one, else the CUDA build exactly when there is a driver for it. The
 * other one serves too: the CUDA build runs on a machine without a card, and the CPU build on one with a card.
 * @param {string} root
 * @param {string} system such as `linux-x64`
 * @param {boolean | undefined} hasDriver looked up only when it decides: asking for it can mean starting a program
 * @returns {('cpu' | 'gpu')[]}
 */
function preferredBuilds(root, system, hasDriver) {
  const isThere = (/** @type {'cpu' | 'gpu'} */ build) => existsSync(cacheEntry(root, system, build));
  const choose = () => readChoice(root) ?? ((hasDriver ?? nvidiaDriver() !== null) ? 'gpu' : 'cpu');
  return isThere('gpu') && (!isThere('cpu') || choose() === 'gpu') ? ['gpu', 'cpu'] : ['cpu', 'gpu'];
}

/**
 * @param {{framework: string, cc: string}} files
 * @param {{platform: string, arch: string}} system
 * @returns {{gpu: boolean}}
 */
function inspect(files, { platform, arch }) {
  if (platform !== 'linux') return { gpu: false };
  let gpu = false;
  for (const path of [files.framework, files.cc]) {
    const elf = readElf(path);
    if (!elf) throw new LibraryError('incomplete', `${path} is not a 64-bit Linux library; is it a broken download?`);
    if (elf.arch !== arch) {
      const came = elf.arch ?? 'another processor';
      throw new LibraryError('incomplete', `${path} is built for ${came}, this Node is ${arch}; get the ${arch} build`);
    }
    gpu ||= /nvidia\/|cuda/i.test([elf.runPath, ...elf.needed].join(' '));
  }
  return { gpu };
}

/** The headers of a C archive lie in include/ beside lib/. @param {string} dir @returns {string | null} */
function headerVersion(dir) {
  for (const include of [join(dir, 'include'), join(dirname(dir), 'include')]) {
    for (const header of ['release_version.h', 'version.h']) {
      const path = join(include, 'tensorflow', 'core', 'public', header);
      if (!existsSync(path)) continue;
      const text = readFileSync(path, 'utf8');
      const parts = ['MAJOR', 'MINOR', 'PATCH'].map(
        (part) => RegExp(`#define TF_${part}_VERSION (\\d+)`).exec(text)?.[1],
      );
      if (parts.every((part) => part !== undefined)) return parts.join('.');
    }
  }
  return null;
}

/** In a C archive libtensorflow.so.2 links to libtensorflow.so.2.18.0. @param {string} cc @returns {string | null} */
function fileVersion(cc) {
  return /\.(\d+\.\d+\.\d+)(?:\.dylib)?$/.exec(basename(realpathSync(cc)))?.[1] ?? null;
}
