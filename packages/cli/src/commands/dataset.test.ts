import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PNG } from 'pngjs';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import yargs from 'yargs';
import { datasetCommand } from './dataset.js';

const fixture = fileURLToPath(new URL('../../../parity/fixtures/dataset/', import.meta.url));

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'codiff-cli-dataset-'));
});
afterAll(() => rmSync(folder, { recursive: true }));
afterEach(() => {
  process.exitCode = undefined;
});
const at = (name: string) => join(folder, name);

/** What a command prints. */
async function run(...args: string[]): Promise<string> {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    await yargs(['dataset', ...args])
      .command(datasetCommand)
      .strict()
      .exitProcess(false)
      .fail((message, error) => {
        throw error ?? new Error(message);
      })
      .parseAsync();
  } finally {
    write.mockRestore();
  }
  return printed;
}

describe('codiff dataset', () => {
  it('synth draws a set, check finds it good, and prints a sheet', async () => {
    const printed = await run('synth', '--n', '3', '--size', '64', '--seed', '2', '--out', at('faces'));
    expect(printed).toContain(
      'faces: 3 faces of 64 x 64, seed 2\nclasses (images that have them): background 3, skin 3',
    );
    expect(printed).toMatch(/classes that no drawing has: /);
    const checked = await run('check', '--data', at('faces'), '--size', '64', '--sheet', at('sheet.png'));
    expect(checked).toBe(`3 samples, 0 bad\ncontact sheet: ${at('sheet.png')}\n`);
    expect(process.exitCode).toBeUndefined();
    const { width, height } = PNG.sync.read(readFileSync(at('sheet.png')));
    expect([width, height]).toEqual([3 * 98 + 2, 2 * 98 + 2]);
  });

  it('check names bad samples and ends with 1', async () => {
    cpSync(fixture, at('bad'), { recursive: true });
    writeFileSync(at('bad/image/image_64/4.jpg'), 'no image');
    const printed = await run('check', '--data', at('bad'));
    expect(printed).toMatch(
      /^4\.jpg: unreadable: .*bad\/image\/image_64\/4\.jpg: is no whole JPEG.*\n8 samples, 1 bad\n$/,
    );
    expect(process.exitCode).toBe(1);
    const report = JSON.parse(await run('check', '--data', at('bad'), '--json')) as { samples: number; bad: object[] };
    expect(report).toMatchObject({ samples: 8, bad: [{ name: '4.jpg', fault: 'unreadable' }] });
  });

  it('check takes the data set that a config trains on', async () => {
    const tiny = fileURLToPath(new URL('../../../parity/fixtures/configs/tiny_text.yaml', import.meta.url));
    const config = readFileSync(tiny, 'utf8').replaceAll(': dataset/', `: ${at('bad')}/`);
    writeFileSync(at('config.yaml'), config);
    expect(await run('check', '--config', at('config.yaml'))).toMatch(/4\.jpg: unreadable: .*\n8 samples, 1 bad\n$/);
  });

  it('prepare says what it did', async () => {
    const [images, masks] = [join(fixture, 'image/image_64'), join(fixture, 'mask_png_64')];
    const captions = join(fixture, 'text/captions_hq_beard_and_age_2022-08-19.json');
    const printed = await run(
      'prepare',
      '--images',
      images,
      '--masks',
      masks,
      '--captions',
      captions,
      '--out',
      at('made'),
    );
    expect(printed).toBe(`${at('made')}: 8 samples, masks from png, 0 left out\n`);
    expect(await run('check', '--data', at('made'))).toBe('8 samples, 0 bad\n');
  });

  it('refuses what makes no sense', async () => {
    await expect(run('synth', '--n', '0', '--out', at('x'))).rejects.toThrow(/^-n is 0, a positive whole number/);
    await expect(run('synth', '--seed', '1.5', '--out', at('x'))).rejects.toThrow(/--seed is 1\.5, a whole number/);
    await expect(run('synth', '--size', '31', '--out', at('x'))).rejects.toThrow(/--size is 31, .* 32 to 2048/);
    await expect(run('synth')).rejects.toThrow(/out/);
    await expect(run('prepare', '--images', 'x', '--size', '2', '--out', at('x'))).rejects.toThrow(/--size is 2/);
    await expect(run('check')).rejects.toThrow(/--data DIR or --config FILE/);
    await expect(run('check', '--data', 'x', '--config', 'y')).rejects.toThrow(/mutually exclusive/);
    await expect(run()).rejects.toThrow(/name one: synth, prepare, check/);
  });
});
