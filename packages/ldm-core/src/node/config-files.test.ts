import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ConfigError } from '../config/config-error.js';
import { loadConfig } from './config-files.js';

let root: string;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'codiff-config-'));
  await writeFile(
    join(root, 'vae.yaml'),
    `model:
  target: ldm.models.autoencoder.AutoencoderKL
  params:
    embed_dim: 3
    lossconfig: {target: torch.nn.Identity}
    ddconfig: {double_z: true, z_channels: 3, resolution: 64, in_channels: 3, out_ch: 3, ch: 32, num_res_blocks: 1,
      attn_resolutions: [], ch_mult: [1, 2]}
`,
  );
  await writeFile(join(root, 'wide.yaml'), 'model: {params: {ddconfig: {ch: 64, ch_mult: [1]}}}');
});

afterAll(() => rm(root, { recursive: true }));

test('files merge left to right, then overrides apply', async () => {
  const config = await loadConfig(['vae.yaml', 'wide.yaml'], {
    root,
    overrides: ['model.params.ddconfig.dropout=0.1'],
  });
  expect(config.model.params).toMatchObject({ embed_dim: 3, ddconfig: { ch: 64, ch_mult: [1], dropout: 0.1 } });
});

test('every file that cannot be read is named, with the path that was tried', async () => {
  const error = await loadConfig(['vae.yaml', 'no.yaml', 'nor.yaml'], { root }).catch((caught: unknown) => caught);
  expect(error).toBeInstanceOf(ConfigError);
  expect((error as ConfigError).problems.map(({ file, suggestion }) => [file, suggestion])).toEqual([
    ['no.yaml', `looked for ${join(root, 'no.yaml')}`],
    ['nor.yaml', `looked for ${join(root, 'nor.yaml')}`],
  ]);
});

test('a bad override of a good file is a ConfigError', async () => {
  await expect(loadConfig('vae.yaml', { root, overrides: ['model.params.ddconfig.ch=7'] })).rejects.toThrow(
    'model.params.ddconfig.ch: 7 channels cannot be split',
  );
});
