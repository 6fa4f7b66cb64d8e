import { expect, it } from 'vitest';
import { runParts } from './parts.mjs';

it('runs every part, prints one line each, and shows what a failed one said', async () => {
  const lines: string[] = [];
  const part = (name: string, ok: boolean) => ({ name, run: async () => ({ ok, output: 'first\nsecond' }) });
  const counts = await runParts([part('types', false), part('lint', true), part('format', false)], (line) =>
    lines.push(line),
  );
  expect(counts).toEqual({ passed: 1, failed: 2 });
  const plain = lines.map((line) => line.replace(/[\d.]+ s/, '0 s'));
  const said = '       first\n       second';
  expect(plain).toEqual(['FAILED types (0 s)', said, 'ok     lint (0 s)', 'FAILED format (0 s)', said]);
});

it('counts a part that throws as failed, and goes on', async () => {
  const lines: string[] = [];
  const broken = { name: 'broken', run: () => Promise.reject(new Error('no such folder')) };
  const fine = { name: 'fine', run: async () => ({ ok: true, output: '' }) };
  expect(await runParts([broken, fine], (line) => lines.push(line))).toEqual({ passed: 1, failed: 1 });
  expect(lines.join('\n')).toContain('no such folder');
});
