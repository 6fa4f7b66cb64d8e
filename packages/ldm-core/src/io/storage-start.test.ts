import { expect, it } from 'vitest';
import { BufferSink } from './byte-sink.js';
import { bytesSource } from './byte-source.js';
import { CheckpointError } from './checkpoint-error.js';
import { encodeValues } from './element-values.js';
import { openCheckpoint } from './open-checkpoint.js';
import { storageStart } from './storage-start.js';
import { Storage } from './stored-tensor.js';
import { TensorToWrite } from './tensor-to-write.js';
import { writeTorchZip } from './write-torch.js';

it('names the tensor, not only the archive entry, where the bytes cannot be found', async () => {
  const sink = new BufferSink();
  const weight = new TensorToWrite('float32', [2], async () => encodeValues('float32', Float32Array.of(1, 2)));
  await writeTorchZip(sink, { state_dict: new Map([['layer.weight', weight]]) });
  const bytes = sink.bytes();
  const checkpoint = await openCheckpoint(bytesSource('x.ckpt', bytes));
  // The header in front of the entry's bytes; the list at the end stays sound.
  const at = new TextDecoder('latin1').decode(bytes).indexOf('/data/0');
  bytes[at + 6] = '9'.charCodeAt(0);
  const reading = checkpoint.readBytes('layer.weight');
  await expect(reading).rejects.toBeInstanceOf(CheckpointError);
  await expect(reading).rejects.toMatchObject({ file: 'x.ckpt', key: 'layer.weight' });
  await expect(reading).rejects.toThrow(/'layer.weight': 'archive\/data\/0'.*'archive\/data\/9', differ/);
});

it('passes errors of the operating system on as they are', async () => {
  const storage = new Storage('0', 4);
  storage.locate = () => Promise.reject(new TypeError('disk'));
  await expect(storageStart(bytesSource('x', new Uint8Array(8)), storage, 'w')).rejects.toBeInstanceOf(TypeError);
});
