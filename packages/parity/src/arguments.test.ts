import { describe, expect, it } from 'vitest';
import { parseArguments } from './arguments.js';

describe('parseArguments', () => {
  it('takes a folder, and leaves the modes to the backend', () => {
    expect(parseArguments(['cases'])).toMatchObject({
      subject: 'cases',
      backend: 'engine',
      device: 'cpu',
      write: false,
    });
    expect(parseArguments(['cases']).modes).toBeUndefined();
  });

  it('reads every option', () => {
    const argv = ['cases', '--kinds', 'unet,ldm', '--mode', 'both', '--json', 'x.json', '--backend', 'cpu', '--write'];
    expect(parseArguments(argv)).toEqual({
      subject: 'cases',
      kinds: ['unet', 'ldm'],
      modes: ['eager', 'compiled'],
      json: 'x.json',
      backend: 'cpu',
      device: 'cpu',
      write: true,
    });
  });

  it.each([
    [[], /wanted one folder/],
    [['a', 'b'], /wanted one folder/],
    [['a', '--mode', 'fast'], /--mode is 'fast'/],
    [['a', '--backend', 'gpu'], /--backend is 'gpu'/],
    [['a', '--tolerance', '1'], /--tolerance/],
  ])('refuses %j', (argv, message) => {
    expect(() => parseArguments(argv)).toThrow(message);
  });
});
