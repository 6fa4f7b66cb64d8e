import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { writeReport } from './report.js';

let folder = '';
let file = '';
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'report-'));
  file = join(folder, 'README.md');
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

const place = (name: string, content: string) => `<!-- bench:${name} -->\n${content}<!-- /bench:${name} -->\n`;

describe('writeReport', () => {
  it('says the command, the day, the machine and its Node above the output', () => {
    vi.useFakeTimers({ now: new Date('2031-02-03T23:59:00Z'), toFake: ['Date'] });
    writeFileSync(file, place('ops', ''));
    writeReport(file, 'ops', 'npm run bench -- ops', 'a  b\n1  2');
    const lines = readFileSync(file, 'utf8').split('\n');
    expect(lines[1]).toMatch(/^`npm run bench -- ops` on 2031-02-03, \S.*, \d+ cores, Node \d+\.\d+\.\d+:$/);
    expect(lines[1]).not.toMatch(/ {2}/);
    expect(lines.slice(2)).toEqual(['', '```', 'a  b', '1  2', '```', '<!-- /bench:ops -->', '']);
  });

  it('writes to its own place among several, over and over', () => {
    const others = [place('block', 'old block\n'), place('ops-gpu', 'old gpu\n')];
    writeFileSync(file, `${others[0]}between\n${place('ops', 'old ops\n')}${others[1]}`);
    writeReport(file, 'ops', 'first', 'one');
    writeReport(file, 'ops', 'second', 'two');
    const text = readFileSync(file, 'utf8');
    expect(text.startsWith(`${others[0]}between\n<!-- bench:ops -->\n\`second\` on`)).toBe(true);
    expect(text.endsWith(`two\n\`\`\`\n<!-- /bench:ops -->\n${others[1]}`)).toBe(true);
    expect(text).not.toMatch(/old ops|first|one\n/);
  });

  it.each([
    ['no place', 'text\n'],
    ['a place without an end', '<!-- bench:ops -->\n'],
    ['an end before its beginning', '<!-- /bench:ops -->\n<!-- bench:ops -->\n'],
  ])('refuses a file with %s, names what it lacks, and leaves it alone', (_, text) => {
    writeFileSync(file, text);
    expect(() => writeReport(file, 'ops', '', '')).toThrow(
      `bench: ${file} has no lines '<!-- bench:ops -->' and '<!-- /bench:ops -->' to write between`,
    );
    expect(readFileSync(file, 'utf8')).toBe(text);
  });
});
