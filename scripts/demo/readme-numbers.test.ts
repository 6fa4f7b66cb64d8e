import { expect, it } from 'vitest';
import { withNumbers } from './readme-numbers.js';
import type { DemoRecord } from './record.js';

const stage = { steps: 500, batchSize: 8, seconds: 180, cpuSeconds: 350, stepsPerSecond: 2.8, imagesPerSecond: 22.4 };
const record: DemoRecord = {
  version: 1,
  mode: 'full',
  faces: 2200,
  heldOut: 200,
  configs: '/repo/configs',
  steps: null,
  machine: 'a processor, 2 cores, Node 20',
  load: 0.1,
  stages: { vae: { ...stage, heldOut: { name: 'val/rec_loss', atStart: 0.5, atEnd: 0.1 } } },
  seconds: 600,
  samples: { text: 'He has no beard.', mask: 'a', original: 'b', rows: [], influence: 'c', page: 'd' },
};
const marks = '<!-- demo:picture -->\nold\n<!-- /demo:picture -->\n';
const readme = `before\n${marks}<!-- demo:numbers -->\nold\n<!-- /demo:numbers -->\nafter\n`;

it('replaces the numbers between the marks, and nothing else', () => {
  const written = withNumbers(readme, record, '2026-11-22');
  expect(written.startsWith('before\n<!-- demo:picture -->\n![')).toBe(true);
  expect(written).toContain('“He has no beard.”');
  expect(written.endsWith('\n<!-- /demo:numbers -->\nafter\n')).toBe(true);
  expect(written).not.toContain('old');
  expect(written).toContain('| 500 x 8 | 180 | 350 | 2.80 | 22.4 |');
  expect(written).toContain('0.200 of 0.5000 at the start');
  expect(written).not.toContain('other work');
  expect(withNumbers(written, record, '2026-11-22')).toBe(written);
});

it('says when the machine was not free', () => {
  expect(withNumbers(readme, { ...record, load: 7 }, '2026-11-22')).toContain('its load was 7 before the start');
});

it('refuses a README without the marks', () => {
  expect(() => withNumbers('nothing', record, '2026-11-22')).toThrow('lacks <!-- demo:numbers -->');
});
