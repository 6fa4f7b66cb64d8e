import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

/**
 * Makes every write into an open file fail as on a disk that has no room left: a file can be made, its content finds no place.
 * @param code of the system
 * @returns ends it
 */
export function fillDisk(code: 'ENOSPC' | 'EDQUOT' = 'ENOSPC'): () => void {
  const write = fs.writeFileSync;
  fs.writeFileSync = (file: unknown, ...rest: unknown[]) => {
    if (typeof file === 'number') throw Object.assign(new Error(`${code}: no room, write`), { code, syscall: 'write' });
    (write as (...args: unknown[]) => void)(file, ...rest);
  };
  syncBuiltinESMExports();
  return () => {
    fs.writeFileSync = write;
    syncBuiltinESMExports();
  };
}
