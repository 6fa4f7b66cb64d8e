import { expect, it } from 'vitest';
import { StatusLine } from '../demo/status-line.js';
import { timeWords, WorkLeft } from './work-left.js';

it('tells the time left by what the work so far has taken, without a terminal once a minute', () => {
  let now = 0;
  const lines: string[] = [];
  const line = new StatusLine({ write: (text) => lines.push(text) });
  const work = new WorkLeft(100, line, false, () => now);
  expect(work.words()).toBe('0 %');
  now = 10_000;
  work.did(10, 'a');
  expect(work.words()).toBe('10 %, 2 min left');
  expect(lines).toEqual([]);
  now = 60_000;
  work.did(40, 'b');
  expect(lines).toEqual(['b, 50 %, 60 s left\n']);
  work.did(60, 'c');
  expect(work.words()).toBe('100 %, 0 s left');
});

it('writes durations as people say them', () => {
  expect([0.2, 89, 90, 200, 3900].map(timeWords)).toEqual(['1 s', '89 s', '2 min', '3 min', '1 h 05 min']);
});
