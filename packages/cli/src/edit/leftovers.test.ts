import { mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { removeLeftovers } from './leftovers.js';

it('removes what a killed save has left, and nothing that may be in use', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'codiff-leftovers-'));
  const old = ['.optDM.safetensors.1.tmp', '.optDM.part.safetensors.2.tmp', '.other.3.tmp', 'optDM.safetensors'];
  for (const name of old) {
    writeFileSync(join(folder, name), '');
    utimesSync(join(folder, name), 1, 1);
  }
  writeFileSync(join(folder, '.optDM.safetensors.4.tmp'), '');
  await removeLeftovers(folder);
  expect(readdirSync(folder).sort()).toEqual(['.optDM.safetensors.4.tmp', '.other.3.tmp', 'optDM.safetensors']);
  rmSync(folder, { recursive: true });
});
