import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@codiff/ldm-core/node';
import { expect, it } from 'vitest';
import { codiffRegistry } from './config/targets.js';
import { specsOf } from './model-specs.js';

it.each(['256_vae', '256_text', '256_mask', '512_codiff_mask_text'])(
  '%s: every key and shape of the full-size checkpoint, in its layout, with no tensor made',
  async (name) => {
    const root = fileURLToPath(new URL('../../..', import.meta.url));
    const specs = specsOf(await loadConfig(`configs/${name}.yaml`, { registry: codiffRegistry, root }));
    const keys = new URL(`../../parity/fixtures/state_dict_keys/${name}.json`, import.meta.url);
    const { state_dict: wanted } = JSON.parse(readFileSync(keys, 'utf8')) as { state_dict: Record<string, number[]> };
    const found = Object.fromEntries([...specs].map(([key, { file, shape }]) => [key, [...(file?.shape ?? shape)]]));
    expect(found).toEqual(wanted);
  },
);
