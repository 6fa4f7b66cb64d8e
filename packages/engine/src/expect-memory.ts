import { currentEngine } from './engine.js';
import { touchPages } from './touch-pages.js';

/**
 * Tell the engine that about this many bytes of tensors come next, such as a checkpoint's weights. Where it can, it has the
 * system provide their memory in a thread beside, while the caller reads and converts values; elsewhere it does nothing. A hint: more or
 * fewer bytes may come. Memory that nothing comes to fill stays taken.
 * @returns when the memory is there, which nobody needs to wait for
 * @throws EngineError if `useEngine` has not run
 */
export async function expectMemory(bytes: number): Promise<void> {
  const { pool } = currentEngine();
  if (pool !== null) await touchPages(pool, bytes);
}
