import { useEngine } from '@codiff/engine';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { BufferSink } from '../src/io/byte-sink.js';
import { bytesSource } from '../src/io/byte-source.js';
import { loadParams } from '../src/io/load-params.js';
import { openCheckpoint } from '../src/io/open-checkpoint.js';
import { paramsToWrite } from '../src/io/params-to-write.js';
import { copiesAtOnce } from '../src/io/upload.js';
import { writeTorchZip } from '../src/io/write-torch.js';
import { initParams, normal, zeros } from '../src/nn/init.js';
import { Scope } from '../src/nn/scope.js';

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});

/** Tensors of many sizes, some in another order in the file, and a counter. */
function model() {
  const scope = Scope.root();
  for (let i = 0; i < 12; i++) {
    const at = scope.at(`block.${i}`);
    const [o, c] = [3 + 7 * (i % 5), 2 + i];
    at.param('conv.weight', [3, 3, c, o], normal(0, 1), { file: { shape: [o, c, 3, 3], perm: [2, 3, 1, 0] } });
    at.param('conv.bias', [o], normal(0, 1));
    at.param('linear.weight', [o, c], normal(0, 1));
    at.buffer('count', [], { kind: 'constant', value: i }, { dtype: 'int32' });
    at.buffer('empty', [0, 3], zeros);
  }
  return scope.specs;
}

describe('loading weights', () => {
  it.each([
    ['cpu', 'float32', false],
    ['tensorflow', 'float32', true],
    ['tensorflow', 'bfloat16', true],
  ] as const)('on %s, of %s: every value, though buffers are lent to a backend that copies', async (...args) => {
    const [backend, dtype, copies] = args;
    await tf.setBackend(backend);
    expect(await copiesAtOnce()).toBe(copies);
    const specs = model();
    const saved = initParams(specs, 5);
    const sink = new BufferSink();
    await writeTorchZip(sink, { state_dict: paramsToWrite(saved, specs, dtype) });
    const before = tf.memory().numTensors;
    const { params } = await loadParams(specs, await openCheckpoint(bytesSource('a.ckpt', sink.bytes())));
    expect(tf.memory().numTensors).toBe(before + specs.size);
    for (const [key, tensor] of params) {
      const wanted = await saved.get(key)!.data();
      const got = await tensor.data();
      const far = got.findIndex((value, i) => Math.abs(value - wanted[i]!) > (dtype === 'bfloat16' ? 0.02 : 0));
      expect({ key, length: got.length, far }).toEqual({ key, length: wanted.length, far: -1 });
      expect([tensor.shape, tensor.dtype]).toEqual([[...specs.get(key)!.shape], specs.get(key)!.dtype]);
    }
    params.dispose();
    saved.dispose();
  });
});
