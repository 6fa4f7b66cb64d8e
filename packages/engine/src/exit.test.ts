import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { runChild } from '../test/support/child.js';
import { endWith } from './exit.js';
import type { Runtime } from './runtime.js';

const EVENTS = ['beforeExit', 'uncaughtExceptionMonitor'] as const;

describe('endWith', () => {
  // Vitest ends this process in its own way afterwards.
  const really = Object.getOwnPropertyDescriptor(process, 'reallyExit')!;
  let others: unknown[][];
  beforeEach(() => {
    others = EVENTS.map((event) => process.rawListeners(event));
  });
  afterEach(() => {
    Object.defineProperty(process, 'reallyExit', really);
    EVENTS.forEach((event, i) => {
      for (const listener of process.rawListeners(event))
        if (!others[i]!.includes(listener)) process.off(event, listener as () => void);
    });
  });

  it('waits for queued calls where a process has nothing more to do, or dies of an error', () => {
    let drains = 0;
    endWith({ drain: () => drains++ } as object as Runtime);
    const added = EVENTS.flatMap((event, i) => process.rawListeners(event).filter((one) => !others[i]!.includes(one)));
    expect(added).toHaveLength(2);
    for (const listener of added) listener();
    expect(drains).toBe(2);
  });

  it.skipIf(process.platform === 'win32')(
    'ends at once where told to, with the code and after all exit handlers, without waiting',
    async () => {
      const { code, stdout } = await runChild('told-to-end');
      expect(stdout).toBe('first handler\nsecond handler\n');
      expect(code).toBe(7);
    },
  );
});
