import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { hashFile } from '@codiff/ldm-core/node';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exampleRecord } from './example-record.js';
import { PretrainError } from './pretrain-error.js';
import { checkedRecords, readRecord, type ShippedRecord, writeRecord } from './shipped-record.js';
import { BETWEEN, isRead, SHIPPED, STAGE_NAMES, type StageName, shippedFile } from './stage-table.js';

let root: string;
beforeEach(async () => {
  root = mkdtempSync(join(tmpdir(), 'shipped-'));
  for (const place of [SHIPPED, BETWEEN]) mkdirSync(join(root, place), { recursive: true });
  const hashes: Partial<Record<StageName, string>> = {};
  for (const stage of STAGE_NAMES) {
    const path = join(root, shippedFile(stage));
    writeFileSync(path, `weights of ${stage}`);
    hashes[stage] = await hashFile(path);
    await writeRecord(root, recordOf(stage, hashes));
  }
});
afterEach(() => rmSync(root, { recursive: true }));

function recordOf(stage: StageName, hashes: Partial<Record<StageName, string>>): ShippedRecord {
  const record = exampleRecord(stage);
  const { [stage]: sha256, ...inputs } = hashes;
  return { ...record, weights: { ...record.weights, sha256: sha256! }, inputs };
}

it('reads what was written', async () => {
  expect((await checkedRecords(root)).map(({ stage }) => stage)).toEqual(STAGE_NAMES.filter(isRead));
  expect((await readRecord(root, 'vae'))?.curves).toEqual(exampleRecord('vae').curves);
});

it.each(['safetensors', 'json'] as const)('names a missing .%s, and what to do', async (ending) => {
  rmSync(join(root, shippedFile('text', ending)));
  const check = checkedRecords(root);
  await expect(check).rejects.toThrow(PretrainError);
  await expect(check).rejects.toThrow(
    new RegExp(`^pretrained/demo/text.${ending} is not there; .*git checkout.*npm run demo:train -- text`),
  );
});

it('names damaged weights with both hashes', async () => {
  appendFileSync(join(root, shippedFile('mask')), 'x');
  await expect(checkedRecords(root)).rejects.toThrow(
    /^pretrained\/demo\/mask.safetensors is damaged: its SHA-256 is \w{64}, and pretrained\/demo\/mask.json says \w{64}/,
  );
});

it('names a damaged record', async () => {
  writeFileSync(join(root, shippedFile('vae', 'json')), '{"version": 1, "sta');
  await expect(checkedRecords(root)).rejects.toThrow(/vae.json is no record of the stage 'vae'/);
});

it('refuses weights that were trained on others than those that are there', async () => {
  const inputs = { vae: '0'.repeat(64) };
  await writeRecord(root, { ...(await readRecord(root, 'text'))!, inputs });
  await expect(checkedRecords(root)).rejects.toThrow(
    /text.safetensors was trained on another pretrained\/demo\/vae.safetensors .* --force text/,
  );
});
