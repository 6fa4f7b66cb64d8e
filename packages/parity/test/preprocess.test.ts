import { afterAll, expect, it } from 'vitest';
import { readCase } from '../src/cases/case-folder.js';
import { preprocess } from '../src/kinds/preprocess.js';
import { runCase } from '../src/run/run-case.js';
import { replacing, TemporaryCases } from './temporary-case.js';

const cases = new TemporaryCases();
afterAll(() => cases.remove());

/** Runs the fixture with its config edited. It needs no backend: the kind makes no tensors. */
async function run(name: string, edit?: (yaml: string) => string) {
  return runCase(readCase(cases.add('preprocess', name, edit)), preprocess, 'eager', (fn) => fn);
}

it('equals the original to the last bit', async () => {
  const { ok, outputs } = await run('same');
  expect(ok).toBe(true);
  expect(outputs.map(({ error }) => error)).toEqual(Array(13).fill(0));
});

it('sees another offset, another filter, another phase', async () => {
  const misses = async (name: string, edit: (yaml: string) => string) =>
    (await run(name, edit)).outputs.filter(({ ok }) => !ok).map(({ output }) => output);
  const offset = replacing(
    '{draw: uniform, low: 6, high: 10, value: 8.239089544321985}',
    '{draw: uniform, low: 6, high: 10, value: 7.2}',
  );
  expect(await misses('offset', offset)).toEqual(['train.wide']);
  const filter = replacing('filter: bicubic, input: in.wide, width: 31', 'filter: nearest, input: in.wide, width: 31');
  expect(await misses('filter', filter)).toEqual(['pil_bicubic.31x47']);
});

it.each([
  [
    'another range',
    '{draw: uniform, low: 6, high: 10, value: 8.2',
    '{draw: uniform, low: 5, high: 10, value: 8.2',
    /train\.wide\.draws\[1\].*uniform\(6, 10\) is asked for/,
  ],
  [
    'another draw',
    '{draw: random, value: 0.4656500700997733}',
    '{draw: uniform, low: 0, high: 1, value: 0.5}',
    /draws\[3\].*random\(\) is asked for/,
  ],
  [
    'a draw too many',
    'val.same: {op: preprocess, phase: val, input: in.same',
    'val.same: {op: preprocess, phase: val, input: in.same, draws: [{draw: random, value: 0.5}]',
    /1 draws, only 0 are asked for/,
  ],
  ['an unknown filter', 'filter: nearest', 'filter: lanczos', /filter/],
  ['an unknown phase', 'phase: val', 'phase: test', /phase/],
  ['an input that is not there', 'input: labels64', 'input: labels32', /input 'labels32' is asked for/],
])('refuses %s', async (name, search, replacement, message) => {
  const { ok, failure } = await run(name.replaceAll(' ', '-'), replacing(search, replacement));
  expect(ok).toBe(false);
  expect(failure).toMatch(message);
});
