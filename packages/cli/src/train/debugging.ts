import { existsSync } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import inspector from 'node:inspector';
import { basename, dirname, join } from 'node:path';

/**
 * Open Node's debugger on a port of its own, on this machine only.
 * @param wait hold everything until one has connected @returns the address for `node inspect` or a browser
 */
export function openDebugger(wait: boolean): string {
  if (inspector.url() === undefined) inspector.open(0, '127.0.0.1');
  if (wait) inspector.waitForDebugger();
  return inspector.url()!;
}

/**
 * Move the folder of a run that was for debugging out of the way, as the original does.
 * @returns where it is now: `<parent>/debug_runs/<name>`; null if there is no such folder
 */
export async function moveToDebugRuns(folder: string): Promise<string | null> {
  if (!existsSync(folder)) return null;
  const to = join(dirname(folder), 'debug_runs', basename(folder));
  await mkdir(dirname(to), { recursive: true });
  await rename(folder, to);
  return to;
}
