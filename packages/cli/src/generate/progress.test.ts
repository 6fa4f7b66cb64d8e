import { expect, it } from 'vitest';
import { Progress } from './progress.js';

/** A progress bar of 4 steps, a second each after the first. */
function drawn(screen: { isTTY?: boolean; columns?: number }, quiet = false): { text: string; rate: number } {
  let text = '';
  let time = 0;
  const progress = new Progress(4, { ...screen, write: (part: string) => (text += part) }, quiet, () => time);
  for (let i = 0; i < 3; i++) {
    time += i === 0 ? 10_000 : 1000;
    progress.step();
  }
  time += 50_000;
  return { text, rate: progress.rate };
}

it('draws steps, speed and the time left', () => {
  const { text, rate } = drawn({ isTTY: true, columns: 100 });
  expect(text.split('\r\x1b[2K')).toEqual([
    '',
    'step 1/4 [#####...............]',
    'step 2/4 [##########..........] 1.0 steps/s, 0:02 left',
    'step 3/4 [###############.....] 1.0 steps/s, 0:01 left',
  ]);
  expect(rate).toBeCloseTo(1);
});

it('stays within the line, and away from files and quiet runs', () => {
  expect(drawn({ isTTY: true, columns: 20 }).text).toContain('step 3/4 [#########');
  expect(drawn({}).text).toBe('');
  expect(drawn({ isTTY: true }, true).text).toBe('');
});
