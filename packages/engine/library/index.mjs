/**
 * `@codiff/engine/library`: where libtensorflow is and how to get it. Plain JavaScript without dependencies, so that
 * set-up and `codiff doctor` can use it before anything is installed or built.
 */
export { cacheRoot } from './cache.mjs';
export { isFull, notWritable } from './disk.mjs';
export { LibraryError } from './errors.mjs';
export { findLibrary, searchLibrary } from './find.mjs';
export { withLock } from './lock.mjs';
export { cudaLibraries, findCudaLibraries, nvidiaCards, nvidiaDriver } from './nvidia.mjs';
export { createProgress, formatBytes } from './progress.mjs';
export { provideLibrary } from './provide.mjs';
export { oldestVersion, pinnedVersion, pinnedWheels } from './wheels.mjs';
