import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { ones, zeros } from '../nn/init.js';
import { Params } from '../nn/params.js';
import { type ParamSpec, Scope } from '../nn/scope.js';
import { BufferSink } from './byte-sink.js';
import { bytesSource } from './byte-source.js';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import type { DType } from './dtype.js';
import { encodeValues } from './element-values.js';
import { CheckpointMismatch } from './key-report.js';
import { loadParams } from './load-params.js';
import { openCheckpoint } from './open-checkpoint.js';
import { paramsToWrite } from './params-to-write.js';
import { TensorToWrite } from './tensor-to-write.js';
import type { Upload } from './upload.js';
import { writeSafetensors } from './write-safetensors.js';
import { writeTorchZip } from './write-torch.js';

beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
});

/** A convolution (OIHW in files), a bias, a counter. */
function model(): ReadonlyMap<string, ParamSpec> {
  const root = Scope.root();
  const conv = root.at('unet.conv');
  conv.param('weight', [3, 3, 2, 4], ones, { file: { shape: [4, 2, 3, 3], perm: [2, 3, 1, 0] } });
  conv.param('bias', [4], zeros);
  root.buffer('norm.num_batches_tracked', [], zeros, { dtype: 'int32' });
  return root.specs;
}

const ramp = (length: number, from = 0) => Float32Array.from({ length }, (_, i) => i + from);
const tensor = (dtype: DType, shape: number[], values: Float32Array) =>
  new TensorToWrite(dtype, shape, async () => encodeValues(dtype, values));

/** The model's file: weights 0 to 71, biases from 100, the counter 7. */
const sound = (dtype: DType = 'float32'): Record<string, TensorToWrite> => ({
  'unet.conv.weight': tensor(dtype, [4, 2, 3, 3], ramp(72)),
  'unet.conv.bias': tensor(dtype, [4], ramp(4, 100)),
  'norm.num_batches_tracked': tensor('int64', [], Float32Array.of(7)),
});

async function opened(tensors: Record<string, TensorToWrite>): Promise<Checkpoint> {
  const sink = new BufferSink();
  await writeSafetensors(sink, new Map(Object.entries(tensors)));
  return openCheckpoint(bytesSource('file.safetensors', sink.bytes()));
}

describe('loadParams', () => {
  it.each<DType>(['float32', 'float16', 'bfloat16', 'float64'])(
    'converts %s and brings OIHW to HWIO',
    async (dtype) => {
      const { params, report } = await loadParams(model(), await opened(sound(dtype)));
      const weight = params.get('unet.conv.weight')!;
      expect([weight.shape, weight.dtype]).toEqual([[3, 3, 2, 4], 'float32']);
      // Output 3, input 1, row 2, column 0.
      expect(weight.dataSync()[((2 * 3 + 0) * 2 + 1) * 4 + 3]).toBe(((3 * 2 + 1) * 3 + 2) * 3 + 0);
      expect([...params.get('unet.conv.bias')!.dataSync()]).toEqual([100, 101, 102, 103]);
      const counter = params.get('norm.num_batches_tracked')!;
      expect([counter.dtype, counter.dataSync()[0]]).toEqual(['int32', 7]);
      expect(report.matched.length).toBe(3);
      params.dispose();
    },
  );

  it('lends reused buffers to an upload that copies', async () => {
    const buffers = new Set<ArrayBufferLike>();
    const upload: Upload = (values, { shape, dtype }) => {
      buffers.add(values.buffer);
      return tf.tensor(values.slice(), [...shape], dtype);
    };
    const flat = new Map([...model()].filter(([key]) => key === 'unet.conv.bias'));
    const two = new Map([...flat, ['second', { ...flat.get('unet.conv.bias')!, key: 'second' }]]);
    const tensors = { 'unet.conv.bias': tensor('float32', [4], ramp(4)), second: tensor('float32', [4], ramp(4, 50)) };
    const { params } = await loadParams(two, await opened(tensors), { upload });
    expect(buffers.size).toBe(1);
    expect([...params.get('unet.conv.bias')!.dataSync()]).toEqual([0, 1, 2, 3]);
    expect([...params.get('second')!.dataSync()]).toEqual([50, 51, 52, 53]);
    params.dispose();
  });

  it('reports every missing, unexpected and misshapen key at once, by prefix, before reading a value', async () => {
    const { 'unet.conv.bias': _, ...tensors } = sound();
    const extra = Object.fromEntries([1, 2, 3].map((i) => [`other.part.w${i}`, tensor('float32', [1], ramp(1))]));
    const checkpoint = await opened({
      ...tensors,
      ...extra,
      'unet.conv.weight': tensor('float32', [4, 2, 1, 1], ramp(8)),
    });
    const held = tf.memory().numTensors;
    const loading = loadParams(model(), checkpoint);
    await expect(loading).rejects.toBeInstanceOf(CheckpointMismatch);
    await expect(loading).rejects.toMatchObject({
      file: 'file.safetensors',
      key: 'unet.conv.weight',
      report: {
        missing: ['unet.conv.bias'],
        unexpected: ['other.part.w1', 'other.part.w2', 'other.part.w3'],
        misshapen: [{ key: 'unet.conv.weight', found: { shape: [4, 2, 1, 1] }, wanted: { shape: [4, 2, 3, 3] } }],
      },
    });
    const message = await loading.catch((error: Error) => error.message);
    expect(message).toContain('1 missing from the file: unet.conv.bias');
    expect(message).toContain('3 unknown to the model: other.part.* (3)');
    expect(message).toContain('unet.conv.weight is [4,2,1,1], wanted [4,2,3,3]');
    expect(tf.memory().numTensors).toBe(held);
  });

  it('takes what matches when it is not strict, but never another shape', async () => {
    const { 'unet.conv.bias': _, ...tensors } = sound();
    const { params, report } = await loadParams(model(), await opened(tensors), { strict: false });
    expect([...params.keys()]).toEqual(['unet.conv.weight', 'norm.num_batches_tracked']);
    expect(report.missing).toEqual(['unet.conv.bias']);
    params.dispose();
    const other = await opened({ ...tensors, 'unet.conv.weight': tensor('float32', [72], ramp(72)) });
    await expect(loadParams(model(), other, { strict: false })).rejects.toBeInstanceOf(CheckpointMismatch);
  });

  it('refuses a type that does not convert', async () => {
    const integers = await opened({ ...sound(), 'unet.conv.bias': tensor('int64', [4], ramp(4)) });
    await expect(loadParams(model(), integers)).rejects.toThrow(/unet.conv.bias is int64 \[4\], wanted float32 \[4\]/);
    const large = await opened({
      ...sound(),
      'norm.num_batches_tracked': tensor('int64', [], Float32Array.of(2 ** 40)),
    });
    await expect(loadParams(model(), large)).rejects.toThrow(
      /'norm.num_batches_tracked': holds int64 values that int32/,
    );
  });

  it('renames prefixes and drops what the caller names', async () => {
    const tensors = Object.fromEntries(
      Object.entries(sound()).map(([key, value]) => [key.replace('unet.', 'model.diffusion_model.'), value]),
    );
    const options = { prefixMap: [['model.diffusion_model.', 'unet.']] as const, drop: [/^model_ema\./, /^betas$/] };
    const checkpoint = await opened({
      ...tensors,
      betas: tensor('float32', [1], ramp(1)),
      'model_ema.decay': tensor('float32', [], ramp(1)),
    });
    const { params, report } = await loadParams(model(), checkpoint, options);
    expect(params.size).toBe(3);
    expect(report.dropped).toEqual(['betas', 'model_ema.decay']);
    params.dispose();
    const twice = await opened({ ...tensors, 'unet.conv.bias': tensor('float32', [4], ramp(4)) });
    await expect(loadParams(model(), twice, options)).rejects.toThrow(/prefix map sends it to 'unet.conv.bias'/);
  });

  it('refuses NaN and infinity, naming the keys, and frees what it loaded', async () => {
    const weights = ramp(72);
    weights[5] = Number.NaN;
    weights[6] = Infinity;
    const checkpoint = await opened({ ...sound(), 'unet.conv.weight': tensor('float16', [4, 2, 3, 3], weights) });
    const held = tf.memory().numTensors;
    await expect(loadParams(model(), checkpoint)).rejects.toMatchObject({
      name: 'CheckpointError',
      key: 'unet.conv.weight',
    });
    await expect(loadParams(model(), checkpoint)).rejects.toThrow(/2 values are NaN or infinite/);
    await expect(loadParams(model(), checkpoint)).rejects.toBeInstanceOf(CheckpointError);
    expect(tf.memory().numTensors).toBe(held);
    const { params } = await loadParams(model(), checkpoint, { checkFinite: false });
    expect(params.size).toBe(3);
    params.dispose();
  });
});

describe('paramsToWrite', () => {
  it('writes the file layout it was loaded from, in both formats', async () => {
    const { params } = await loadParams(model(), await opened(sound()));
    const tensors = paramsToWrite(params, model());
    expect(tensors.get('norm.num_batches_tracked')!.dtype).toBe('int64');
    const sink = new BufferSink();
    await writeTorchZip(sink, { state_dict: tensors, global_step: 5 });
    const again = await openCheckpoint(bytesSource('x.ckpt', sink.bytes()));
    const original = await opened(sound());
    for (const key of tensors.keys()) {
      expect(again.tensor(key)).toMatchObject({ shape: original.tensor(key).shape, dtype: original.tensor(key).dtype });
      expect(await again.readBytes(key)).toEqual(await original.readBytes(key));
    }
    const half = paramsToWrite(params, model(), 'float16');
    expect((await half.get('unet.conv.bias')!.bytes()).length).toBe(8);
    params.dispose();
  });

  it('refuses weights that are not those declared', () => {
    const one = tf.scalar(1);
    expect(() => paramsToWrite(new Params([['stray', one]]), model())).toThrow(
      /3 declared keys have no tensor .* 1 tensors are not declared \(stray\)/,
    );
    one.dispose();
  });
});
