import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CheckpointError } from '../io/checkpoint-error.js';
import { float32Values } from '../io/element-values.js';
import { TensorToWrite } from '../io/tensor-to-write.js';
import { normal, zeros } from '../nn/init.js';
import { Scope } from '../nn/scope.js';
import { atomicWrite } from './atomic-write.js';
import { convertCheckpoint } from './convert-checkpoint.js';
import { hashFile } from './hash-file.js';
import { initCheckpoint } from './init-checkpoint.js';
import { openCheckpointFile } from './open-checkpoint-file.js';
import { saveTensors } from './save-params.js';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'codiff-checkpoint-'));
});
afterAll(() => rm(folder, { recursive: true }));

const at = (name: string) => join(folder, name);
const floats = (...values: number[]) =>
  new TensorToWrite('float32', [values.length], async () => new Uint8Array(Float32Array.from(values).buffer));

describe('atomicWrite', () => {
  it('replaces a file only when all is written, and leaves nothing behind when it fails', async () => {
    await writeFile(at('a.bin'), 'old');
    const failing = atomicWrite(at('a.bin'), async (sink) => {
      await sink.write(new Uint8Array(1000));
      expect(await readFile(at('a.bin'), 'utf8')).toBe('old');
      throw new Error('disk full');
    });
    await expect(failing).rejects.toThrow('disk full');
    expect(await readFile(at('a.bin'), 'utf8')).toBe('old');
    await atomicWrite(at('a.bin'), (sink) => sink.write(new TextEncoder().encode('new')));
    expect(await readFile(at('a.bin'), 'utf8')).toBe('new');
    expect((await readdir(folder)).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });
});

it('hashes files', async () => {
  const bytes = Buffer.alloc(3_000_000, 'abc');
  await writeFile(at('h.bin'), bytes);
  expect(await hashFile(at('h.bin'))).toBe(createHash('sha256').update(bytes).digest('hex'));
  await expect(hashFile(at('h.bin'), AbortSignal.abort())).rejects.toMatchObject({ name: 'AbortError' });
});

describe('convertCheckpoint', () => {
  it('goes from one format to the other, with another type and without a prefix', async () => {
    const tensors = new Map([
      ['first_stage_model.a', floats(1, 2.5, -3)],
      ['first_stage_model.n', new TensorToWrite('int64', [1], async () => new Uint8Array(BigInt64Array.of(9n).buffer))],
      ['model.b', floats(4)],
    ]);
    await saveTensors(at('in.ckpt'), tensors, { extra: { epoch: 3 } });
    expect(
      await convertCheckpoint(at('in.ckpt'), at('vae.safetensors'), {
        dtype: 'float16',
        stripPrefix: 'first_stage_model.',
      }),
    ).toBe(2);
    const vae = await openCheckpointFile(at('vae.safetensors'));
    expect([...vae.tensors].map(([key, { dtype }]) => [key, dtype])).toEqual([
      ['n', 'int64'],
      ['a', 'float16'],
    ]);
    expect([...float32Values('float16', await vae.readBytes('a'))]).toEqual([1, 2.5, -3]);
    await vae.close();
    expect(await convertCheckpoint(at('vae.safetensors'), at('back.pth'), { dtype: 'float32' })).toBe(2);
    const back = await openCheckpointFile(at('back.pth'));
    expect(back.format).toBe('torch-zip');
    expect([...float32Values('float32', await back.readBytes('a'))]).toEqual([1, 2.5, -3]);
    await back.close();
  });

  it('refuses values that float16 does not hold, and leaves no file', async () => {
    await saveTensors(at('large.ckpt'), new Map([['w', floats(1, 1e6)]]));
    const converting = convertCheckpoint(at('large.ckpt'), at('large.safetensors'), { dtype: 'float16' });
    await expect(converting).rejects.toThrow(/'w': 1 values are beyond float16's largest, 65504; use bfloat16/);
    expect(await readdir(folder)).not.toContain('large.safetensors');
  });

  it.each([
    ['float64', Float64Array.of(1, 1e300, Infinity), ['float32', 'bfloat16', 'float16']],
    ['float32', Float32Array.of(1, 3.4028e38, Infinity), ['bfloat16', 'float16']],
  ] as const)(
    'refuses %s values that a smaller type makes infinite, not infinities',
    async (dtype, values, targets) => {
      const stored = (count: number) => new Uint8Array(values.slice(0, count).buffer);
      await saveTensors(at('wide.ckpt'), new Map([['w', new TensorToWrite(dtype, [2], async () => stored(2))]]));
      for (const target of targets) {
        const converting = convertCheckpoint(at('wide.ckpt'), at('narrow.ckpt'), { dtype: target });
        await expect(converting).rejects.toThrow(new RegExp(`'w': 1 values are beyond ${target}'s largest`));
      }
      const infinite = new Uint8Array(values.slice(2).buffer);
      await saveTensors(at('infinite.ckpt'), new Map([['w', new TensorToWrite(dtype, [1], async () => infinite)]]));
      for (const target of targets) {
        expect(await convertCheckpoint(at('infinite.ckpt'), at('narrow.ckpt'), { dtype: target })).toBe(1);
      }
    },
  );

  it('refuses endings that tell no format, and prefixes that nothing has', async () => {
    await expect(convertCheckpoint(at('large.ckpt'), at('x.bin'))).rejects.toThrow(/'.bin' tells no format/);
    await expect(convertCheckpoint(at('large.ckpt'), at('x.pt'), { stripPrefix: 'vae.' })).rejects.toThrow(
      /none of its 1 keys/,
    );
  });
});

it.each(['stopped.ckpt', 'stopped.safetensors'])('%s: stopped in the middle, nothing is left', async (name) => {
  const stop = new AbortController();
  const second = new TensorToWrite('float32', [1], async () => {
    stop.abort(new Error('enough'));
    return new Uint8Array(4);
  });
  const tensors = new Map([
    ['a', floats(1, 2)],
    ['b', second],
  ]);
  await expect(saveTensors(at(name), tensors, { signal: stop.signal })).rejects.toThrow('enough');
  expect((await readdir(folder)).filter((file) => file.includes('stopped'))).toEqual([]);
});

it('refuses folders, and passes on what the operating system says of missing files', async () => {
  await expect(openCheckpointFile(folder)).rejects.toBeInstanceOf(CheckpointError);
  await expect(openCheckpointFile(at('absent.ckpt'))).rejects.toMatchObject({ code: 'ENOENT' });
});

it.skipIf(process.platform === 'win32')('refuses named pipes, without waiting for a writer', async () => {
  execFileSync('mkfifo', [at('pipe.ckpt')]);
  await expect(openCheckpointFile(at('pipe.ckpt'))).rejects.toThrow(/is not a regular file/);
});

it('writes seeded first weights in the file layout: the same for a seed, others for another', async () => {
  const root = Scope.root();
  root.at('conv').param('weight', [3, 3, 2, 4], normal(0, 1), { file: { shape: [4, 2, 3, 3], perm: [2, 3, 1, 0] } });
  root.at('conv').param('bias', [4], zeros);
  root.buffer('count', [], zeros, { dtype: 'int32' });
  for (const [name, seed] of [
    ['one', 1],
    ['same', 1],
    ['two', 2],
  ] as const) {
    await initCheckpoint(at(`${name}.ckpt`), root.specs, seed);
  }
  const checkpoint = await openCheckpointFile(at('one.ckpt'));
  expect(checkpoint.tensor('conv.weight').shape).toEqual([4, 2, 3, 3]);
  expect(checkpoint.tensor('count').dtype).toBe('int64');
  await checkpoint.close();
  expect(await hashFile(at('same.ckpt'))).toBe(await hashFile(at('one.ckpt')));
  expect(await hashFile(at('two.ckpt'))).not.toBe(await hashFile(at('one.ckpt')));
});
