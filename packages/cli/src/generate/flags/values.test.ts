import { describe, expect, it } from 'vitest';
import yargs from 'yargs';
import { UsageError } from '../../usage-error.js';
import { decimal, oneOf, text, whole, yesNo } from './values.js';

const describe_ = { describe: 'a flag' };
const flags = {
  save_z: yesNo('save_z', describe_),
  input_text: text('input_text', describe_),
  batch_size: whole('batch_size', [1, 8], describe_),
  eta: decimal('eta', describe_),
  sampler: oneOf('sampler', ['ddim', 'plms', 'heun'], describe_),
};
const parse = async (...args: string[]) =>
  yargs(args).options(flags).strict().exitProcess(false).fail(raise).parseAsync();
const raise = (message: string, error?: Error) => {
  throw error ?? new Error(message);
};

describe('flags', () => {
  it.each(['0', 'false', 'False', 'no', 'NO', 'off', 'n'])('%s is off, as it is not in the original', async (word) => {
    expect((await parse('--save_z', word)).save_z).toBe(false);
  });

  it.each(['1', 'true', 'True', 'yes', 'on', 't'])('%s is on', async (word) => {
    expect((await parse('--save_z', word)).save_z).toBe(true);
  });

  it('stand alone, are denied, are not given', async () => {
    expect((await parse('--save_z', '--eta', '0.5')).save_z).toBe(true);
    expect((await parse('--no-save_z')).save_z).toBe(false);
    expect((await parse('--no-save-z')).save_z).toBe(false);
    expect((await parse()).save_z).toBeUndefined();
  });

  it('are spelt with underscores or hyphens, and the last one counts', async () => {
    expect(await parse('--batch-size', '3', '--input-text', 'A man.')).toMatchObject({
      batch_size: 3,
      input_text: 'A man.',
    });
    expect((await parse('--batch_size', '3', '--batch-size=4')).batch_size).toBe(4);
  });

  it.each([
    [['--save_z', 'maybe'], /--save_z is 'maybe'; wanted 1, true/],
    [['--batch_size', '0'], /--batch_size is '0'; wanted a whole number from 1 to 8/],
    [['--batch_size', '2.5'], /wanted a whole number/],
    [['--batch_size', ''], /wanted a whole number/],
    [['--eta', 'x'], /--eta is 'x'; wanted a number/],
    [['--sampler', 'ddmi'], /--sampler is 'ddmi'; wanted ddim, plms or heun/],
  ])('%j is refused', async (args, message) => {
    await expect(parse(...args)).rejects.toThrow(message);
  });

  it('say what is wrong by an error of their own', () => {
    expect(() => flags.eta.coerce('')).toThrow(UsageError);
    expect(flags.eta.coerce('-1e-3')).toBe(-1e-3);
  });
});
