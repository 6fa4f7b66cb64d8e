import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { cacheRoot } from '@codiff/engine/library';
import { DeviceSpeed } from './device-speed.js';

/** What tells one measurement from another. */
export type SpeedKey = Pick<DeviceSpeed, 'device' | 'threads' | 'branches' | 'precision'>;

/** The file of a device's speed in the user cache. */
export function speedFile({ device, threads, branches, precision }: SpeedKey): string {
  const name = `${device}-${threads}-${branches}-${precision}`.toLowerCase().replace(/[^a-z0-9]+/g, '-');
  return join(dirname(cacheRoot(process.env, homedir())), 'speed', `${name}.json`);
}

/** A speed that was measured before; null if there is none, or one that this version does not read. */
export function readSpeed(key: SpeedKey, file = speedFile(key)): DeviceSpeed | null {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    return DeviceSpeed.parse(JSON.parse(text));
  } catch {
    // A file of another version, or cut off: it is measured anew.
    return null;
  }
}

/** Keep a speed for later. It appears whole or not at all. */
export function writeSpeed(speed: DeviceSpeed, file = speedFile(speed)): void {
  mkdirSync(dirname(file), { recursive: true });
  const part = `${file}.${process.pid}`;
  writeFileSync(part, `${JSON.stringify(speed, null, 2)}\n`);
  renameSync(part, file);
}
