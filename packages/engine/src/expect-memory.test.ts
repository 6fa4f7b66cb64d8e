import { expect, it, vi } from 'vitest';
import { type Engine, setEngine } from './engine.js';
import { expectMemory } from './expect-memory.js';
import { touchPages } from './touch-pages.js';

vi.mock('./touch-pages.js', () => ({ touchPages: vi.fn(async () => {}) }));

it('asks for the engine first', async () => {
  await expect(expectMemory(1)).rejects.toThrow("call 'await useEngine()' first");
});

it("touches the pool's pages, and nothing where there is no pool", async () => {
  const pool = { address: 4096n, bytes: 8192 };
  setEngine({ pool: null } as Engine);
  await expectMemory(100);
  expect(touchPages).not.toHaveBeenCalled();
  setEngine({ pool } as Engine);
  await expectMemory(100);
  expect(touchPages).toHaveBeenCalledExactlyOnceWith(pool, 100);
});
