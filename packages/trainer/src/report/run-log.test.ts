import { expect, it } from 'vitest';
import { parseRunLog, SESSION } from './run-log.js';
import { describeSession } from './session.js';

const lines = (...all: readonly object[]): string => all.map((line) => `${JSON.stringify(line)}\n`).join('');
const loss = (step: number, time: number, value: number | string) => ({
  step,
  time,
  scalars: { 'train/loss': value },
});

it('reads values, pictures and processes', () => {
  const log = parseRunLog(
    lines(
      { step: 0, time: 100, text: SESSION, value: describeSession({ seed: '23', device: undefined }) },
      loss(1, 110, 0.5),
      { step: 1, time: 111, image: 'train/samples', width: 8, height: 8, bytes: 9 },
      loss(2, 120, 'NaN'),
      { step: 2, time: 121, scalars: { 'val/loss': 0.4 } },
    ),
  );
  expect(Object.fromEntries(log.scalars)).toEqual({
    'train/loss': [
      [1, 0.5],
      [2, Number.NaN],
    ],
    'val/loss': [[2, 0.4]],
  });
  expect(log).toMatchObject({ span: [100, 121], seconds: 21, lastStep: 2, damaged: 0 });
  expect(log.pictures.get('train/samples')).toEqual([1]);
  expect(log.sessions).toMatchObject([{ step: 0, time: 100, facts: { seed: '23', node: process.version } }]);
  expect(log.sessions[0]!.facts).not.toHaveProperty('device');
});

it('leaves out a line that was cut off, and others that are no log lines', () => {
  const whole = lines(loss(1, 1, 0.5), loss(2, 2, 0.25));
  const cut = `${whole}garbage\n[]\n${JSON.stringify(loss(3, 3, 0.125)).slice(0, 30)}`;
  const log = parseRunLog(cut);
  expect(log.scalars.get('train/loss')).toEqual([
    [1, 0.5],
    [2, 0.25],
  ]);
  expect(log.damaged).toBe(3);
  expect(parseRunLog('')).toMatchObject({ span: null, damaged: 0, lastStep: 0 });
});

it('lets a run that was taken up replace the steps that it takes again, and counts no time in between', () => {
  const log = parseRunLog(
    lines(
      loss(1, 10, 1),
      loss(2, 20, 2),
      loss(3, 30, 3),
      { step: 1, time: 1000, text: SESSION, value: 'not JSON' },
      loss(2, 1010, 20),
      loss(5, 1020, 50),
    ),
  );
  expect(log.scalars.get('train/loss')).toEqual([
    [1, 1],
    [2, 20],
    [5, 50],
  ]);
  expect(log).toMatchObject({ seconds: 40, sessions: [{ step: 1, facts: {} }] });
});
