import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openCheckpointFile } from '../node/open-checkpoint-file.js';
import { BufferSink } from './byte-sink.js';
import { blobSource, bytesSource } from './byte-source.js';
import type { OpenOptions } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { describeCheckpoint } from './describe-checkpoint.js';
import type { DType } from './dtype.js';
import { float32Values } from './element-values.js';
import { openCheckpoint } from './open-checkpoint.js';
import { PickleDict } from './pickle-value.js';
import { TensorToWrite } from './tensor-to-write.js';
import { writeTorchZip } from './write-torch.js';
import { ZipWriter } from './zip-writer.js';

const FIXTURES = new URL('../../../parity/fixtures/checkpoint/', import.meta.url);
/** Written by torch 2.15: scripts/peer/make_odd_checkpoints.py. */
const PEERS = new URL('../../test/checkpoints/', import.meta.url);

type Entry = { readonly shape: number[]; readonly dtype: DType; readonly sha256: string };
const manifest = JSON.parse(readFileSync(new URL('manifest.json', FIXTURES), 'utf8')) as {
  readonly tiny: Readonly<Record<string, Entry>>;
  readonly odd: Readonly<Record<string, Entry>>;
};
const file = (name: string, folder = FIXTURES) => new Uint8Array(readFileSync(new URL(name, folder)));
const openPeer = (name: string, options?: OpenOptions) => openCheckpoint(bytesSource(name, file(name, PEERS)), options);

describe("files of the original's framework", () => {
  it.each([
    ['odd.ckpt', 'odd', 'torch-zip', 13],
    ['odd_legacy.ckpt', 'odd', 'torch-legacy', 13],
    ['tiny.ckpt', 'tiny', 'torch-zip', 461],
    ['tiny_legacy.ckpt', 'tiny', 'torch-legacy', 180],
  ] as const)('%s: every tensor has the type, shape and bytes of the manifest', async (name, part, format, count) => {
    const checkpoint = await openCheckpointFile(new URL(name, FIXTURES).pathname);
    expect(checkpoint.format).toBe(format);
    expect(checkpoint.tensors.size).toBe(count);
    for (const [key, { dtype, shape }] of checkpoint.tensors) {
      const { sha256, ...header } = manifest[part][key]!;
      expect({ key, dtype, shape }).toMatchObject({ key, dtype: header.dtype, shape: header.shape });
      const hash = createHash('sha256')
        .update(await checkpoint.readBytes(key))
        .digest('hex');
      expect(`${key} ${hash}`).toBe(`${key} ${sha256}`);
    }
    await checkpoint.close();
  });

  it('shows what else a training checkpoint holds: counters, callbacks by class, optimizer moments', async () => {
    const checkpoint = await openCheckpoint(bytesSource('tiny.ckpt', file('tiny.ckpt')));
    expect(describeCheckpoint(checkpoint)).toMatchObject({
      values: { epoch: 3, global_step: 1234, callbacks: '1 entries', optimizer_states: '1 items' },
      others: { tensors: 557 },
      dtypes: { float32: 460, int32: 1 },
    });
  });

  it('reads from a Blob, as in a browser', async () => {
    const checkpoint = await openCheckpoint(blobSource('odd.ckpt', new Blob([file('odd.ckpt')])));
    expect(float32Values('float32', await checkpoint.readBytes('scalar'))[0]).toBe(3.5);
  });
});

describe('files of a current PyTorch', () => {
  const ramp = Array.from({ length: 24 }, (_, i) => i);

  it.each(['protocol4.pth', 'legacy.ckpt'])('%s: views, every type, parameters', async (name) => {
    const checkpoint = await openPeer(name);
    const values = async (key: string) => [
      ...float32Values(checkpoint.tensor(key).dtype, await checkpoint.readBytes(key)),
    ];
    for (const key of ['plain', 'half', 'bfloat16', 'double', 'int16', 'int8']) expect(await values(key)).toEqual(ramp);
    expect(await values('transposed')).toEqual(ramp.map((_, i) => (i % 4) * 6 + Math.floor(i / 4)));
    expect(await values('strided')).toEqual([6, 8, 10, 12, 14, 16]);
    expect(await values('expanded')).toEqual(Array<number>(15).fill(1));
    expect(await values('bool')).toEqual([1, 0]);
    expect(await values('scalar')).toEqual([2.5]);
    expect(checkpoint.tensor('empty').shape).toEqual([0, 3]);
    expect(await values('parameter')).toEqual([1, 1, 1, 1]);
    if (name !== 'protocol4.pth') return;
    for (const key of ['uint16', 'uint32']) expect(await values(key)).toEqual(ramp);
  });

  it('reads a file that is one tensor', async () => {
    const checkpoint = await openPeer('mask.pt');
    expect([...checkpoint.tensors.keys()]).toEqual(['']);
    expect([...float32Values('float32', await checkpoint.readBytes(''))]).toEqual(ramp);
  });

  it('reads protocol 5 with optimizer state, numpy scalar, device and size', async () => {
    const checkpoint = await openPeer('protocol5.ckpt');
    expect(checkpoint.tensors.size).toBe(7);
    const { root } = checkpoint;
    expect(root instanceof PickleDict && root.get('best')).toBe(1.5);
  });

  it('reads files saved without checksums', async () => {
    const checkpoint = await openPeer('no_checksums.pth');
    expect([...float32Values('float32', await checkpoint.readBytes('w'))]).toEqual(ramp);
  });

  it('names the callable of a hostile file, and reads it once that name is allowed to lie inert', async () => {
    await expect(openPeer('hostile.ckpt')).rejects.toMatchObject({
      name: 'CheckpointError',
      file: 'hostile.ckpt',
      key: 'posix.system',
      problem: expect.stringContaining('posix.system'),
    });
    const checkpoint = await openPeer('hostile.ckpt', { inertGlobals: ['posix.system'] });
    expect([...checkpoint.tensors.keys()]).toEqual(['w']);
  });

  it('refuses a whole module, naming its class', async () => {
    await expect(openPeer('module.pt')).rejects.toThrow(/object of torch.nn.modules.container.Sequential/);
  });
});

/** A small PyTorch file of our own. */
async function written(
  root: (tensor: TensorToWrite) => Parameters<typeof writeTorchZip>[1],
): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new BufferSink();
  const values = Float32Array.from({ length: 8 }, (_, i) => i);
  await writeTorchZip(sink, root(new TensorToWrite('float32', [2, 4], async () => new Uint8Array(values.buffer))));
  return sink.bytes();
}

describe('bad files', () => {
  const open = (name: string, bytes: Uint8Array, options?: OpenOptions) =>
    openCheckpoint(bytesSource(name, bytes), options);
  const ascii = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));
  // Its inverse. A TextDecoder takes latin1 for windows-1252, as the web does.
  const latin1 = (bytes: Uint8Array) => Buffer.from(bytes).toString('latin1');

  it.each([
    ['an empty file', '', /an empty file, not a checkpoint/],
    ['a Git LFS pointer', 'version https://git-lfs.github.com/spec/v1\noid sha256:0', /git lfs pull/],
    ['a web page', '<!DOCTYPE html><html>', /a web page/],
    ['an image', '\x89PNG\r\n', /an image/],
    ['a gzip archive', '\x1f\x8b\x08', /gzip/],
    ['a tar archive', `${'\0'.repeat(257)}ustar`, /tar archive/],
    ['noise', 'hello there, no checkpoint here', /of no known format/],
  ])('says that %s is one', async (_, text, problem) => {
    await expect(open('x.ckpt', ascii(text))).rejects.toThrow(problem);
  });

  it('refuses a file named as another format than it is, and says how to rename it', async () => {
    await expect(open('x.safetensors', file('odd.ckpt'))).rejects.toThrow(/rename it to end in \.ckpt/);
    await expect(open('x.safetensors', file('odd_legacy.ckpt'))).rejects.toThrow(/rename it to end in \.ckpt/);
    expect((await open('without-extension', file('odd.ckpt'))).tensors.size).toBe(13);
  });

  it.each(['odd.ckpt', 'odd_legacy.ckpt'])('%s: every truncation is a CheckpointError', async (name) => {
    const whole = file(name);
    for (let length = 0; length < whole.length; length += 7) {
      await expect(open(name, whole.subarray(0, length))).rejects.toBeInstanceOf(CheckpointError);
    }
  });

  it('finds a flipped bit by its checksum, in whole and in shared storages', async () => {
    const whole = file('odd.ckpt');
    const sound = await open('odd.ckpt', whole);
    for (const key of ['scalar', 'strided_view']) {
      const damaged = whole.slice();
      const at = await sound.tensor(key).storage.locate();
      damaged[at] = damaged[at]! ^ 4;
      const checkpoint = await open('odd.ckpt', damaged);
      await expect(checkpoint.readBytes(key)).rejects.toMatchObject({
        key,
        problem: expect.stringMatching(/checksum/),
      });
      await expect((await open('odd.ckpt', damaged, { verify: false })).readBytes(key)).resolves.toBeDefined();
    }
  });

  it('finds a flipped bit in the pickle', async () => {
    const damaged = file('odd.ckpt');
    const at = latin1(damaged).indexOf('strided_view');
    damaged[at] = damaged[at]! ^ 1;
    await expect(open('odd.ckpt', damaged)).rejects.toThrow(/data\.pkl.*checksum/);
  });

  it('refuses archives that are no checkpoints', async () => {
    const bytes = await written((tensor) => ({ state_dict: { w: tensor } }));
    const text = latin1(bytes);
    const other = ascii(text.replaceAll('archive/data.pkl', 'archive/data.txt'));
    await expect(open('x.ckpt', other)).rejects.toThrow(/0 files 'data.pkl'/);
    const script = new BufferSink();
    const zip = new ZipWriter(script);
    for (const name of ['data.pkl', 'constants.pkl']) await zip.add(`net/${name}`, ascii('N.'));
    await zip.finish();
    await expect(open('x.pt', script.bytes())).rejects.toThrow(/TorchScript/);
    const big = ascii(text.replaceAll('little', 'bigger'));
    await expect(open('x.ckpt', big)).rejects.toThrow(/byte order 'bigger'/);
  });

  it('refuses a file without tensors', async () => {
    await expect(open('x.ckpt', await written(() => ({ state_dict: {}, epoch: 1 })))).rejects.toThrow(/no tensors/);
  });

  it('refuses two tensors under one dotted key', async () => {
    const bytes = await written((tensor) => ({ 'a.b': tensor, a: { b: tensor } }));
    await expect(open('x.ckpt', bytes)).rejects.toThrow(/'a.b': two tensors have this key/);
  });

  it('refuses a small file that means terabytes', async () => {
    // Strides of zero: 4 bytes that claim to be 2^40 elements.
    const pickled = await written((tensor) => ({ w: tensor }));
    const text = latin1(pickled);
    // The tensor's sizes and strides, as four-byte integers: (2, 4) and (4, 1).
    const shape = '(J\x02\0\0\0J\x04\0\0\0t(J\x04\0\0\0J\x01\0\0\0t';
    expect(text).toContain(shape);
    const bomb = ascii(text.replace(shape, '(J\0\0\0\x40J\0\0\0\x40t(J\0\0\0\0J\0\0\0\0t'));
    await expect(open('x.ckpt', bomb, { verify: false })).rejects.toThrow(
      /'w': tensors up to this one take|more elements/,
    );
    const wide = ascii(text.replace(shape, '(J\0\0\0\x40J\x04\0\0\0t(J\0\0\0\0J\x01\0\0\0t'));
    await expect(open('x.ckpt', wide, { verify: false })).rejects.toThrow(
      /'w': tensors up to this one take 17179869184 bytes/,
    );
    const outside = ascii(text.replace(shape, '(J\x02\0\0\0J\x05\0\0\0t(J\x04\0\0\0J\x01\0\0\0t'));
    await expect(open('x.ckpt', outside, { verify: false })).rejects.toThrow(/reaches element 8 .* of a storage of 8/);
  });
});
