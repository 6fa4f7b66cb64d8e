import { EventEmitter } from 'node:events';
import { beforeEach, describe, expect, it, vi } from 'vitest';
import { measureStartUp } from './start-up.js';

/** What the children will do, one after the other: send a result, or end with a code. */
const { fates, started } = vi.hoisted(() => ({ fates: [] as (object | number)[], started: [] as string[] }));
vi.mock('node:child_process', () => ({
  fork: (module: URL) => {
    started.push(module.pathname);
    const child = new EventEmitter();
    const fate = fates.shift();
    setImmediate(() => {
      if (typeof fate === 'number') child.emit('exit', fate);
      else {
        child.emit('message', fate);
        child.emit('exit', 0);
      }
    });
    return child;
  },
}));
beforeEach(() => {
  fates.splice(0);
  started.splice(0);
});
const result = (ms: number, peakRssMiB: number) => ({ ms, threads: 2, device: 'cpu', peakRssMiB });

describe('measureStartUp', () => {
  it('is one row: best and median of processes of their own, and the most memory of any', async () => {
    fates.push(result(900, 500), result(700, 520), result(800, 510));
    expect(await measureStartUp(3)).toEqual({
      ...{ name: 'start-up', phase: 'first', mode: 'eager', precision: 'float32', batch: 1, threads: 2 },
      ...{ bestMs: 700, medianMs: 800, gflops: null, peakRssMiB: 520, device: 'cpu' },
    });
    expect(started).toHaveLength(3);
    expect(started[0]).toMatch(/\/start-up-child\.ts$/);
  });

  it('says of a process that ends without a result how it ended', async () => {
    fates.push(result(900, 500), 3);
    await expect(measureStartUp(2)).rejects.toThrow('bench start-up: child ended with code 3 and no result');
  });
});
