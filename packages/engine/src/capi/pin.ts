import koffi from 'koffi';

const RTLD_LAZY = 1;
/** Values of RTLD_NODELETE. */
const NODELETE: Partial<Record<NodeJS.Platform, number>> = { linux: 0x1000, darwin: 0x80 };
/** Where `dlopen` lives; older glibc keeps it in a library of its own. */
const LOADERS: Partial<Record<NodeJS.Platform, readonly string[]>> = {
  linux: ['libc.so.6', 'libdl.so.2'],
  darwin: ['libSystem.dylib'],
};

/**
 * Keep a loaded library until the process has really ended. koffi closes its libraries when Node shuts down, and
 * TensorFlow's own exit handlers, which run after that, would then be called in memory that is gone.
 */
export function pin(path: string): void {
  const flag = NODELETE[process.platform];
  for (const loader of LOADERS[process.platform] ?? []) {
    try {
      const dlopen = koffi.load(loader).func('void *dlopen(const char *path, int flags)');
      if (flag !== undefined) dlopen(path, RTLD_LAZY | flag);
      return;
    } catch {
      // Not in this one; the next loader may have it.
    }
  }
}
