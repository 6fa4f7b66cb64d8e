import { describe, expect, it } from 'vitest';
import { parseOptions } from './options.js';

const options = (...args: string[]) => parseOptions(args, '/repo');

describe('npm run evidence', () => {
  it('makes the whole table of 500 pairs by default', () => {
    expect(options()).toMatchObject({
      task: 'table',
      out: '/repo/outputs/evidence',
      json: '/repo/docs/evidence.json',
      config: 'pretrained/demo/codiff.yaml',
      pairs: 500,
      validation: 100,
      twice: 100,
      steps: 50,
      trainSeconds: 600,
      heldOut: { first: 8000, count: 1000, seed: 7 },
    });
    expect(options('--help')).toBeNull();
    expect(options('--quick', '--resume')!.force).toBe(false);
  });

  it('compares few pairs with the full record when quick, in a folder of its own', () => {
    expect(options('--quick', '--json', 'other.json')).toMatchObject({
      task: 'quick',
      out: '/repo/outputs/evidence-quick',
      json: '/repo/other.json',
      force: true,
      precision: 'float32',
    });
    expect(options('--quick', '--precision', 'bfloat16')!.precision).toBe('bfloat16');
  });

  it.each([
    [['--quick', '--n', '7'], '--n is the full run'],
    [['ablations', '--quick'], '--quick is of the table, not of ablations'],
    [['tabel'], "'tabel' is no task"],
    [['quick'], "'quick' is no task"],
    [['--n', '9'], "--n is '9', a whole number of at least 10"],
    [['--n', '20', '--twice', '30'], 'more than the 20 pairs'],
    [['--resume', '--force'], 'give one'],
    [['--precision', 'bfloat16'], "--precision is 'bfloat16'; wanted float32, or with --quick bfloat16"],
    [['--quick', '--precision', 'half'], "--precision is 'half'"],
    [['--nn'], 'npm run evidence'],
  ])('refuses %j', (args, message) => {
    expect(() => options(...args)).toThrow(message);
  });
});
