import type { PreparedImagic } from './prepare-imagic.js';

/** Run something, and close what it has used. Folders that were made for nothing go. */
export async function closing<T>(
  used: readonly Pick<PreparedImagic, 'folder' | 'open'>[],
  body: () => Promise<T>,
): Promise<T> {
  try {
    return await body();
  } finally {
    for (const { folder, open } of used) {
      await folder.discardIfEmpty();
      await open.weights.close();
    }
  }
}
