import { describe, expect, it } from 'vitest';
import { UsageError } from '../usage-error.js';
import { parseGpus } from './devices.js';
import { trainFlags } from './flags.js';

describe('--gpus', () => {
  it.each([
    [undefined, 'cpu'],
    ['0', 'cpu'],
    ['0,', 'gpu:0'],
    ['1', 'gpu:0'],
    ['2,', 'gpu:2'],
    [' 3 , ', 'gpu:3'],
  ])('%s is %s, one device', (given, device) => {
    expect(parseGpus(given)).toEqual({ device, count: 1 });
  });

  it.each(['0,1', '0,1,2,3,', '2'])('%s is more than one, and says what to pass', (given) => {
    expect(() => parseGpus(given)).toThrow(/pass '--gpus 0,'/);
  });

  it.each(['', ',', 'all', '-1', '0;1'])("'%s' is no list", (given) => {
    expect(() => parseGpus(given)).toThrow(UsageError);
  });
});

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
