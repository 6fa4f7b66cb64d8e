import { describe, expect, it } from 'vitest';
import { UsageError } from '../usage-error.js';
import { PASSED_FLAGS, trainFlags } from './flags.js';

describe('--max_time', () => {
  it.each([
    ['90', 90],
    ['1:30', 90],
    ['01:00:01.5', 3601.5],
    ['2:00:00:00', 172800],
  ])('%s is %d seconds', (given, seconds) => {
    expect(trainFlags.max_time.coerce(given)).toBe(seconds);
  });

  it.each(['', 'x', '1:2:3:4:5', '-1'])("'%s' is no time", (given) => {
    expect(() => trainFlags.max_time.coerce(given)).toThrow(UsageError);
  });
});

it("takes every option of the original's trainer, those of its own apart", async () => {
  const { TrainerConfig } = await import('@codiff/trainer');
  const known = Object.keys(TrainerConfig.shape).map((name) => name.replace(/[A-Z]/g, (c) => `_${c.toLowerCase()}`));
  const taken = [...Object.keys(trainFlags), ...Object.keys(PASSED_FLAGS)];
  // Filled in by the command: callbacks, loggers, the checkpoint to go on from.
  const filled = ['callbacks', 'logger', 'resume_from_checkpoint'];
  expect(known.filter((name) => !taken.includes(name) && !filled.includes(name))).toEqual([]);
  expect(Object.keys(PASSED_FLAGS).filter((name) => !known.includes(name))).toEqual([]);
});
