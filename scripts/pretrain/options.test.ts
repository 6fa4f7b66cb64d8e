import { expect, it } from 'vitest';
import { parseOptions } from './options.js';
import { PretrainError } from './pretrain-error.js';

const ALL = ['data', 'encoder', 'vae', 'mask', 'text', 'codiff'];

it('is all stages unless told otherwise, in their order', () => {
  const plain = { steps: ALL, force: [], limit: Number.POSITIVE_INFINITY, print: false, assemble: null };
  expect(parseOptions([])).toEqual(plain);
  expect(parseOptions(['--print'])).toEqual({ ...plain, print: true });
  expect(parseOptions(['mask', 'vae'])?.steps).toEqual(['vae', 'mask']);
  expect(parseOptions(['--force', 'text'])).toMatchObject({ steps: ['text'], force: ['text'] });
  expect(parseOptions(['--limit', '50', '--assemble', 'a.ckpt'])).toMatchObject({ limit: 50, assemble: 'a.ckpt' });
  expect(parseOptions(['--help'])).toBeNull();
});

it.each([
  [['vea'], "stage 'vea' is not known; wanted one of data, encoder, vae, mask, text, codiff"],
  [['--force', 'data'], "--force 'data' is not known"],
  [['--limit', '9'], 'at least 10'],
  [['--quick'], 'npm run demo:train [-- stages and options]'],
])('%j is refused', (args, message) => {
  expect(() => parseOptions(args)).toThrow(PretrainError);
  expect(() => parseOptions(args)).toThrow(message);
});
