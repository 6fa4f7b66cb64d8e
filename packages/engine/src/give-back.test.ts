import { setImmediate } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { giveBackMemory } from './give-back.js';

it('collects what nothing refers to any more', async () => {
  const lost = (() => new WeakRef({ large: new Array(1000).fill(0) }))();
  // A reference that was looked at lives until the end of its turn.
  await setImmediate();
  giveBackMemory();
  expect(lost.deref()).toBeUndefined();
});

it('leaves no collector behind in contexts made later', async () => {
  giveBackMemory();
  const { runInNewContext } = await import('node:vm');
  expect(runInNewContext('typeof gc')).toBe('undefined');
});
