import { findLibrary, LibraryError, nvidiaCards, nvidiaDriver } from '@codiff/engine/library';
import type { Cards } from './devices.js';

/** The cards that this process may use, without loading anything. */
export function visibleCards(env: NodeJS.ProcessEnv = process.env): Cards {
  if (nvidiaDriver() === null) return { count: 0, none: 'this machine has no NVIDIA driver' };
  try {
    // Where there is no library at all, starting the engine says how to get one.
    if (findLibrary({ env })?.gpu === false) return { count: 0, none: 'the libtensorflow in use is the one for CPUs' };
  } catch (error) {
    if (!(error instanceof LibraryError)) throw error;
  }
  const visible = visibleIds(env);
  if (visible !== null)
    return { count: visible.length, none: visible.length > 0 ? null : 'CUDA_VISIBLE_DEVICES hides all GPUs' };
  const { length } = nvidiaCards();
  // Some systems (WSL) have a driver but list no cards.
  return { count: length === 0 ? null : length, none: null };
}

/** What `CUDA_VISIBLE_DEVICES` leaves, as it names cards; null: it is not set. */
export function visibleIds({ CUDA_VISIBLE_DEVICES: given }: NodeJS.ProcessEnv): string[] | null {
  if (given === undefined) return null;
  const ids = given.split(',').map((id) => id.trim());
  // CUDA stops at the first that is none.
  const end = ids.findIndex((id) => id === '' || id === '-1');
  return end < 0 ? ids : ids.slice(0, end);
}
