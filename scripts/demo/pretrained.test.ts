import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { exampleRecord } from '../pretrain/example-record.js';
import { PretrainError } from '../pretrain/pretrain-error.js';
import { writeRecord } from '../pretrain/shipped-record.js';
import { SHIPPED, shippedFile } from '../pretrain/stage-table.js';
import { parseOptions } from './options.js';
import { runPretrained } from './pretrained.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'pretrained-'));
  mkdirSync(join(root, SHIPPED), { recursive: true });
});
afterEach(() => rmSync(root, { recursive: true }));

const run = () => runPretrained(parseOptions(['--pretrained'], root)!, { root, screen: { write: () => true } });

it('says which weights are missing before it makes anything', async () => {
  await expect(run()).rejects.toThrow(PretrainError);
  await expect(run()).rejects.toThrow(/^pretrained\/demo\/vae.json is not there; .*'npm run demo:train -- vae'$/);
  expect(existsSync(join(root, 'outputs'))).toBe(false);
});

it('says which weights are damaged before it makes anything', async () => {
  await writeRecord(root, exampleRecord('vae'));
  writeFileSync(join(root, shippedFile('vae')), 'others');
  await expect(run()).rejects.toThrow(/^pretrained\/demo\/vae.safetensors is damaged: .*git checkout/);
  expect(existsSync(join(root, 'outputs'))).toBe(false);
});
