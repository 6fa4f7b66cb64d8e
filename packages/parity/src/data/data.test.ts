import { cpSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { FIXTURES } from './fixtures.js';
import { checkData } from './table.js';

const folder = mkdtempSync(join(tmpdir(), 'parity-'));
afterAll(() => rmSync(folder, { recursive: true }));

/** Copy a folder of data under another name, with one text in one of its files replaced. */
function changed(name: string, file: string, search: string, replacement: string): string {
  const copy = join(folder, `changed-${name}`);
  rmSync(copy, { recursive: true, force: true });
  cpSync(join(FIXTURES, name), copy, { recursive: true });
  const before = readFileSync(join(copy, file), 'utf8');
  expect(before).toContain(search);
  writeFileSync(join(copy, file), before.replace(search, replacement));
  return copy;
}

async function misses(path: string): Promise<string[]> {
  const result = await checkData(path);
  expect(result?.failure).toBeUndefined();
  return result!.outputs.filter(({ ok }) => !ok).map(({ output, note }) => `${output}: ${note}`);
}

describe('data checks', () => {
  it('see one wrong id', async () => {
    const path = changed('bert_tokens', 'tokens.json', '[101,2023,2158', '[101,2023,2159');
    expect(await misses(path)).toEqual([expect.stringMatching(/^text 0 "This man.*2158.*instead of.*2159/)]);
  });

  it('see one wrong hash', async () => {
    const path = changed('checkpoint', 'manifest.json', '78d85ac3', '78d85ac4');
    expect(await misses(path)).toEqual([
      expect.stringMatching(/^tiny.ckpt betas/),
      expect.stringMatching(/^tiny_legacy.ckpt betas/),
    ]);
  });

  it('see a missing key and a wrong shape', async () => {
    const renamed = changed('state_dict_keys', '512_mask.json', '"betas"', '"alphas"');
    expect(await misses(renamed)).toEqual([
      expect.stringMatching(/^512_mask keys.*missing: alphas; unexpected: betas/),
    ]);
    const reshaped = changed('state_dict_keys', '256_vae.json', 'conv_in.weight":[128,3', 'conv_in.weight":[128,4');
    expect(await misses(reshaped)).toEqual([expect.stringMatching(/^256_vae shapes: \[\["encoder.conv_in.weight"/)]);
  });

  it('see another caption, split, class and mask of a data set', async () => {
    const caption = changed(
      'dataset',
      'text/captions_hq_beard_and_age_2022-08-19.json',
      'in her forties',
      'in her fifties',
    );
    expect(await misses(caption)).toEqual([
      expect.stringMatching(/^train\[text\] item 1: .*fifties.*instead of.*forties/),
      expect.stringMatching(/^train\[text\+seg_mask\] item 1: .*fifties/),
    ]);
    const split = changed('dataset', 'expected.json', '"test_dataset_size": 2', '"test_dataset_size": 3');
    expect((await misses(split)).filter((miss) => /length and names/.test(miss)).length).toBe(8);
    const classes = changed('dataset', 'expected.json', '"eye_g"', '"glasses"');
    expect(await misses(classes)).toEqual([expect.stringMatching(/^classes: /)]);
    const swapped = changed('dataset', 'expected.json', '', '');
    const masks = join(swapped, 'mask', readdirSync(join(swapped, 'mask'))[0]!);
    cpSync(join(masks, '3.pt'), join(masks, '2.pt'));
    expect(await misses(swapped)).toEqual([expect.stringMatching(/^labels32\.2: /)]);
  });

  it('leave other folders alone', async () => {
    expect(await checkData(join(FIXTURES, 'configs'))).toBeUndefined();
    expect(await checkData(join(FIXTURES, 'bert_tokens'), ['checkpoint'])).toBeUndefined();
  });
});
