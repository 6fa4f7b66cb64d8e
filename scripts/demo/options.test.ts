import { expect, it } from 'vitest';
import { DemoUsageError, parseOptions } from './options.js';

it('is a full run in its own folder unless told otherwise', () => {
  expect(parseOptions([], '/repo')).toEqual({
    mode: 'full',
    out: '/repo/outputs/demo',
    force: false,
    write: false,
    faces: 2200,
    heldOut: 200,
    configs: '/repo/configs',
    steps: null,
    standard: true,
  });
  expect(parseOptions(['--quick'], '/repo')).toMatchObject({
    out: '/repo/outputs/demo-quick',
    faces: 600,
    standard: false,
  });
  expect(parseOptions(['--steps', '3'], '/repo')).toMatchObject({ steps: 3, standard: false });
  expect(parseOptions(['--pretrained'], '/repo')).toMatchObject({
    mode: 'pretrained',
    out: '/repo/outputs/demo-pretrained',
    configs: '/repo/pretrained/demo',
    standard: false,
  });
  expect(parseOptions(['--help'], '/repo')).toBeNull();
});

it.each([
  [['--pretrained', '--steps', '9'], 'so --steps has no meaning'],
  [['--pretrained', '--quick'], 'so --quick has no meaning'],
  [['--faces', '100'], 'at least 216'],
  [['--steps', '0'], 'at least 1'],
  [['--held-out', 'x'], "--held-out is 'x'"],
  [['--write', '--quick'], 'leave out --quick'],
  [['--write', '--steps', '9'], 'leave out --steps'],
  [['--fast'], 'npm run demo [-- options]'],
])('%j is refused', (args, message) => {
  expect(() => parseOptions(args, '/repo')).toThrow(DemoUsageError);
  expect(() => parseOptions(args, '/repo')).toThrow(message);
});
