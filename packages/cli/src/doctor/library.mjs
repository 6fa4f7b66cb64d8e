/** Where libtensorflow is, and for NVIDIA cards the driver and each CUDA library by name. */

/**
 * @typedef {object} LibraryFindings
 * @property {string} pinned the version that this repository is tested with
 * @property {import('@codiff/engine/library').LibraryLocation | null} found
 * @property {readonly string[]} refused what was found but not used
 * @property {string | null} error what is wrong with LIBTENSORFLOW_DIR
 */

/** The oldest driver that speaks CUDA 12 (NVIDIA's table of CUDA 12.0 and minor-version compatibility, Linux). */
const oldestDriver = '525.60.13';

/**
 * The engine's finder. By its package name once the dependencies are installed; in a fresh clone, before that, from the
 * neighbouring folder.
 * @returns {Promise<typeof import('@codiff/engine/library')>}
 */
export async function loadFinder() {
  try {
    return await import('@codiff/engine/library');
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code !== 'ERR_MODULE_NOT_FOUND') throw error;
    return await import(new URL('../../../engine/library/index.mjs', import.meta.url).href);
  }
}

/**
 * @param {typeof import('@codiff/engine/library')} finder
 * @param {NodeJS.ProcessEnv} env
 * @returns {LibraryFindings}
 */
export function describeLibrary(finder, env) {
  const pinned = finder.pinnedVersion;
  try {
    const { library, refused } = finder.searchLibrary({ env });
    return { pinned, found: library, refused, error: null };
  } catch (error) {
    return { pinned, found: null, refused: [], error: error instanceof Error ? error.message : String(error) };
  }
}

/**
 * @param {typeof import('@codiff/engine/library')} finder
 * @param {{env: NodeJS.ProcessEnv, libraryDir: string | null, gpuBuild: boolean, proc?: string, linkerCache?: string, nvidiaSmi?: string | null}} options
 */
export function describeGpu(finder, { env, libraryDir, gpuBuild, proc = '/proc', linkerCache, nvidiaSmi }) {
  const driver = finder.nvidiaDriver({ proc, ...(nvidiaSmi === undefined ? {} : { nvidiaSmi }) });
  const libraries = finder.findCudaLibraries({
    libraryDir,
    env,
    ...(linkerCache === undefined ? {} : { linkerCache }),
  });
  return {
    driver,
    oldestDriver,
    driverTooOld: driver !== null && isOlder(driver, oldestDriver),
    cards: finder.nvidiaCards(proc),
    gpuBuild,
    libraries,
    visible: env.CUDA_VISIBLE_DEVICES ?? null,
  };
}

/** @param {string} version @param {string} other @returns {boolean} */
export function isOlder(version, other) {
  const [a, b] = [version, other].map((text) => text.split('.').map(Number));
  for (let i = 0; i < 3; i++) {
    const difference = (a?.[i] ?? 0) - (b?.[i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}
