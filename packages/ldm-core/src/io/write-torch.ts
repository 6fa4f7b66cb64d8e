import type { ByteSink } from './byte-sink.js';
import type { Crc32 } from './crc32.js';
import { type PickleInput, writePickle } from './pickle-writer.js';
import { ZipWriter } from './zip-writer.js';

/**
 * Write a PyTorch file (zip format) that `torch.load(weights_only=True)` accepts, one tensor at a time: a pickle of `root`,
 * the byte order, each tensor as a storage of its own, the version.
 * @param root e.g. `{ state_dict: tensors, global_step: 1000 }`
 * @throws Error for values that no pickle can hold
 */
export async function writeTorchZip(sink: ByteSink, root: PickleInput, checksum?: Crc32): Promise<void> {
  const text = new TextEncoder();
  const { bytes, tensors } = writePickle(root);
  const zip = new ZipWriter(sink, checksum);
  await zip.add('archive/data.pkl', bytes);
  await zip.add('archive/byteorder', text.encode('little'));
  for (const [i, { key, tensor }] of tensors.entries()) await zip.add(`archive/data/${i}`, await tensor.take(key));
  await zip.add('archive/version', text.encode('3\n'));
  await zip.finish();
}
