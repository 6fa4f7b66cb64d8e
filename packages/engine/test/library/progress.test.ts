import { describe, expect, it } from 'vitest';
import { createProgress, formatBytes } from '../../library/index.mjs';

describe('progress', () => {
  const record = (isTTY: boolean) => {
    const written: string[] = [];
    return { written, progress: createProgress({ isTTY, write: (text) => written.push(text) }) };
  };

  it('prints a line every ten per cent into a file', () => {
    const { written, progress } = record(false);
    progress.start('download x', 1e6);
    for (let done = 0; done <= 1e6; done += 1e4) progress.update(done);
    progress.update(2e6);
    progress.end();
    expect(written).toEqual(Array.from({ length: 11 }, (_, i) => `download x: ${i * 10} % of 1 MB\n`));
  });

  it('redraws one line on a terminal, and clears it', () => {
    const { written, progress } = record(true);
    progress.start('unpack', 1000);
    progress.update(500);
    progress.end();
    expect(written[0]).toBe(`\r\u001b[Kunpack [${'.'.repeat(30)}] 0 % of 1 kB`);
    expect(written.at(-1)).toBe('\r\u001b[K');
  });

  it('survives an unknown total', () => {
    const { written, progress } = record(false);
    progress.start('x', 0);
    progress.update(10);
    expect(written).toEqual(['x: 0 % of 0 kB\n']);
  });

  it.each([
    [500, '1 kB'],
    [274e6, '274 MB'],
    [1.26e9, '1.26 GB'],
  ])('writes %d bytes as %s', (bytes, text) => expect(formatBytes(bytes)).toBe(text));
});
