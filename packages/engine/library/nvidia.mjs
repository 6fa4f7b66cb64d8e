/** What can be known of an NVIDIA card and of the CUDA libraries without loading any of them. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The libraries that the CUDA 12 build opens by name, and the folder of the NVIDIA packages each comes in.
 * @type {{name: string, folder: string, use: string}[]}
 */
export const cudaLibraries = [
  { name: 'libcudart.so.12', folder: 'cuda_runtime/lib', use: 'CUDA runtime' },
  { name: 'libcublas.so.12', folder: 'cublas/lib', use: 'matrix products' },
  { name: 'libcublasLt.so.12', folder: 'cublas/lib', use: 'matrix products' },
  { name: 'libcudnn.so.9', folder: 'cudnn/lib', use: 'convolutions' },
  { name: 'libcufft.so.11', folder: 'cufft/lib', use: 'Fourier transforms' },
  { name: 'libcusolver.so.11', folder: 'cusolver/lib', use: 'linear solvers' },
  { name: 'libcusparse.so.12', folder: 'cusparse/lib', use: 'sparse matrices' },
  { name: 'libnccl.so.2', folder: 'nccl/lib', use: 'several cards' },
  { name: 'libcupti.so.12', folder: 'cuda_cupti/lib', use: 'profiling' },
  { name: 'libnvJitLink.so.12', folder: 'nvjitlink/lib', use: 'linking kernels at run time' },
  { name: 'ptxas', folder: 'cuda_nvcc/bin', use: 'XLA' },
];

/**
 * @param {{proc?: string, nvidiaSmi?: string | null}} [options] proc: folder of the proc file system;
 *   nvidiaSmi: the program to ask when proc does not say, null for none
 * @returns {string | null} the driver's version such as `550.54.15`, null without an NVIDIA driver
 */
export function nvidiaDriver({ proc = '/proc', nvidiaSmi = 'nvidia-smi' } = {}) {
  const text = readOrNull(join(proc, 'driver', 'nvidia', 'version'));
  const version = /Kernel Module.*?\s(\d+\.\d+(?:\.\d+)?)\s/.exec(text ?? '')?.[1];
  if (version) return version;
  // WSL2 has a driver but no such file; the program comes with the driver there.
  if (nvidiaSmi === null || (text === null && !existsSync('/dev/nvidiactl') && !existsSync('/dev/dxg'))) return null;
  const { status, stdout } = spawnSync(nvidiaSmi, ['--query-gpu=driver_version', '--format=csv,noheader'], {
    encoding: 'utf8',
    timeout: 10_000,
  });
  return status === 0 ? (/\d+\.\d+(?:\.\d+)?/.exec(stdout)?.[0] ?? null) : null;
}

/**
 * @param {string} path
 * @returns {string | null}
 */
function readOrNull(path) {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return null;
  }
}

/**
 * Looks for each CUDA library where the dynamic linker would: beside libtensorflow, in LD_LIBRARY_PATH, in the linker's
 * cache; for ptxas beside libtensorflow and on the PATH.
 * @param {{libraryDir: string | null, env: NodeJS.ProcessEnv, linkerCache?: string}} options libraryDir: the folder of
 *   libtensorflow_framework; linkerCache: output of `ldconfig -p`, asked for when not given
 * @returns {{name: string, use: string, path: string | null}[]} path is null when it is missing
 */
export function findCudaLibraries({ libraryDir, env, linkerCache = askLinkerCache() }) {
  return cudaLibraries.map(({ name, folder, use }) => {
    const beside =
      libraryDir === null ? [] : ['..', join('..', '..')].map((up) => join(libraryDir, up, 'nvidia', folder));
    const searchPath = name === 'ptxas' ? env.PATH : env.LD_LIBRARY_PATH;
    const dirs = [...beside, ...(searchPath ?? '').split(delimiter).filter((dir) => dir !== '')];
    const found = dirs.map((dir) => join(dir, name)).find((path) => existsSync(path));
    const cached = linkerCache.split('\n').find((line) => line.trim().startsWith(`${name} `));
    return { name, use, path: found ?? cached?.split('=>')[1]?.trim() ?? null };
  });
}

/** @returns {string} */
function askLinkerCache() {
  for (const program of ['ldconfig', '/sbin/ldconfig']) {
    const { status, stdout } = spawnSync(program, ['-p'], { encoding: 'utf8', timeout: 10_000 });
    if (status === 0) return stdout;
  }
  return '';
}

/**
 * @param {string} [proc] folder of the proc file system
 * @returns {string[]} the names of the cards, as the driver tells them
 */
export function nvidiaCards(proc = '/proc') {
  const folder = join(proc, 'driver', 'nvidia', 'gpus');
  if (!existsSync(folder)) return [];
  return readdirSync(folder).map((bus) => {
    const text = readOrNull(join(folder, bus, 'information')) ?? '';
    return /^Model:\s*(.+)$/m.exec(text)?.[1]?.trim() ?? `unknown card at ${bus}`;
  });
}
