import koffi from 'koffi';
import { describe, expect, it } from 'vitest';
import { pin } from './pin.js';

const RTLD_LAZY = 1;
/** Only if it is loaded already. */
const RTLD_NOLOAD = 4;

/** Small libraries of glibc that Node does not use itself. */
const [PINNED, OTHER] = ['libthread_db.so.1', 'libBrokenLocale.so.1'] as const;

describe.skipIf(process.platform !== 'linux')('pin', () => {
  const libc = process.platform === 'linux' ? koffi.load('libc.so.6') : null;
  const dlopen = libc?.func('void *dlopen(const char *path, int flags)') as (path: string, flags: number) => unknown;
  const dlclose = libc?.func('int dlclose(void *handle)') as (handle: unknown) => number;
  const isLoaded = (path: string): boolean => {
    const handle = dlopen(path, RTLD_LAZY | RTLD_NOLOAD);
    if (handle !== null) dlclose(handle);
    return handle !== null;
  };

  it('keeps a library after its last owner has closed it', ({ skip }) => {
    const [pinned, other] = [dlopen(PINNED, RTLD_LAZY), dlopen(OTHER, RTLD_LAZY)];
    if (pinned === null || other === null) skip(`this system has no ${PINNED} or ${OTHER}`);
    pin(PINNED);
    // Its own reference of before, and the one that pin took.
    for (const handle of [pinned, pinned, other]) dlclose(handle);
    expect(isLoaded(PINNED)).toBe(true);
    expect(isLoaded(OTHER)).toBe(false);
  });

  it('does not mind a library that is not there', () => {
    expect(() => pin('libthere-is-no-such-library.so')).not.toThrow();
  });
});
