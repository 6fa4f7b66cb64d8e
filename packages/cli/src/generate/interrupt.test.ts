import { afterEach, expect, it, vi } from 'vitest';
import { Interrupted } from '../interrupted.js';
import { type InterruptWatch, watchInterrupts } from './interrupt.js';

let watch: InterruptWatch | undefined;
afterEach(() => {
  watch?.stop();
  vi.restoreAllMocks();
});

/** What `process.exit` was called with. */
function exits(): unknown[] {
  const codes: unknown[] = [];
  vi.spyOn(process, 'exit').mockImplementation(((code?: number) => void codes.push(code)) as typeof process.exit);
  return codes;
}

it('stops at the first Ctrl-C, and ends at the second', () => {
  const codes = exits();
  let clock = 1000;
  let told = 0;
  watch = watchInterrupts(
    () => told++,
    () => clock,
  );
  expect(watch.signal.aborted).toBe(false);
  process.emit('SIGINT');
  expect(watch.signal.reason).toBeInstanceOf(Interrupted);
  expect(told).toBe(1);
  expect(codes).toEqual([]);
  clock += 1000;
  process.emit('SIGINT');
  expect(codes).toEqual([130]);
  expect(told).toBe(1);
});

it('takes one that comes twice at once, from the group and from the process above, for one', () => {
  const codes = exits();
  let clock = 1000;
  watch = watchInterrupts(
    () => undefined,
    () => clock,
  );
  process.emit('SIGINT');
  clock += 100;
  process.emit('SIGINT');
  expect(watch.signal.aborted).toBe(true);
  expect(codes).toEqual([]);
  clock += 1000;
  process.emit('SIGTERM');
  expect(codes).toEqual([130]);
});

it('gives the signal back', () => {
  const before = process.listenerCount('SIGINT');
  const stopped = watchInterrupts(() => undefined);
  expect(process.listenerCount('SIGINT')).toBe(before + 1);
  stopped.stop();
  expect(process.listenerCount('SIGINT')).toBe(before);
});
