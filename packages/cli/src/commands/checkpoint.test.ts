import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { hashFile, openCheckpointFile } from '@codiff/ldm-core/node';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import yargs from 'yargs';
import { checkpointCommand } from './checkpoint.js';

const fixtures = fileURLToPath(new URL('../../../parity/fixtures/', import.meta.url));
const tiny = join(fixtures, 'checkpoint/tiny.ckpt');

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codiff-cli-'));
});
afterAll(() => rm(folder, { recursive: true }));
const at = (name: string) => join(folder, name);

/** What a command prints. */
async function run(...args: string[]): Promise<string> {
  let printed = '';
  const write = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    printed += String(text);
    return true;
  });
  try {
    await yargs(['checkpoint', ...args])
      .command(checkpointCommand)
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

describe('codiff checkpoint', () => {
  it('inspect: format, types, keys by prefix with counts and sizes, other values', async () => {
    const printed = await run('inspect', tiny);
    expect(printed).toContain('torch-zip, 5.91 MB');
    expect(printed).toContain('461 tensors, 743,583 elements, 2.97 MB');
    expect(printed).toContain('types     float32 (460), int32 (1)');
    expect(printed).toMatch(/model_ema\.\* +170 tensors, 251,845 elements, 1\.01 MB/);
    expect(printed).toContain('global_step = 1234');
  });

  it('inspect --json --prefix: each key with type and shape', async () => {
    const description = JSON.parse(
      await run('inspect', tiny, '--json', '--prefix', 'model.diffusion_model.time_embed.0.'),
    ) as unknown;
    expect(description).toMatchObject({
      format: 'torch-zip',
      tensors: 2,
      keys: [
        { key: 'model.diffusion_model.time_embed.0.weight', dtype: 'float32', shape: [128, 32] },
        { key: 'model.diffusion_model.time_embed.0.bias', dtype: 'float32', shape: [128] },
      ],
    });
  });

  it('convert: another format and type, without a prefix', async () => {
    const out = at('vae.safetensors');
    const printed = await run('convert', tiny, out, '--dtype', 'bfloat16', '--prefix-strip', 'first_stage_model.');
    expect(printed).toBe(`${out}: 92 tensors\n`);
    const checkpoint = await openCheckpointFile(out);
    expect(checkpoint.tensor('encoder.conv_in.weight')).toMatchObject({ dtype: 'bfloat16', shape: [32, 3, 3, 3] });
    await checkpoint.close();
  });

  it('init: the keys of the config, the same bytes for a seed', async () => {
    const config = join(fixtures, 'configs/tiny_mask.yaml');
    for (const name of ['a.ckpt', 'b.ckpt']) await run('init', '--config', config, '--seed', '3', '--out', at(name));
    expect(await hashFile(at('a.ckpt'))).toBe(await hashFile(at('b.ckpt')));
    expect(await run('inspect', at('a.ckpt'))).toContain('374 tensors, 1,982,466 elements');
  });

  it('needs all of its arguments', async () => {
    await expect(run('init', '--seed', '3')).rejects.toThrow(/config, out/);
    await expect(run('init', '--config', 'x.yaml', '--seed', 'x', '--out', at('c.ckpt'))).rejects.toThrow(
      /whole number/,
    );
    await expect(run('convert', tiny)).rejects.toThrow(/Not enough non-option arguments/);
    await expect(run()).rejects.toThrow(/name one: inspect, convert, init/);
  });

  it('says which file the system has not, or does not take', async () => {
    await expect(run('inspect', at('none.ckpt'))).rejects.toThrow(
      /none\.ckpt: no such file or directory; give the path/,
    );
    await expect(run('convert', at('none.ckpt'), at('out.ckpt'))).rejects.toThrow(/none\.ckpt: no such file/);
    const lost = at('none/out.ckpt');
    await expect(run('convert', tiny, lost)).rejects.toThrow(
      `${lost}: cannot be written: no such file or directory; give`,
    );
    const config = join(fixtures, 'configs/tiny_mask.yaml');
    await expect(run('init', '--config', config, '--seed', '3', '--out', lost)).rejects.toThrow(
      `${lost}: cannot be written: no such file or directory; give a file in a folder that is there`,
    );
  });

  it('refuses pickled names by default, and holds them inert when they are allowed', async () => {
    const hostile = fileURLToPath(new URL('../../../ldm-core/test/checkpoints/hostile.ckpt', import.meta.url));
    await expect(run('inspect', hostile)).rejects.toThrow(/posix\.system/);
    expect(await run('inspect', hostile, '--allow_global', 'posix.system')).toContain('1 tensors, 24 elements');
  });
});
