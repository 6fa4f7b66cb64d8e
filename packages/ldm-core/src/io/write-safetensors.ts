import type { ByteSink } from './byte-sink.js';
import { dtypeBytes, safetensorsName } from './dtype.js';
import type { TensorToWrite } from './tensor-to-write.js';

/**
 * Write a safetensors file, one tensor at a time. Wider types come first, so that every tensor is aligned to its elements.
 * @param metadata text to put into the header
 * @throws Error if a tensor is called `__metadata__`, which the format keeps for itself
 */
export async function writeSafetensors(
  sink: ByteSink,
  tensors: ReadonlyMap<string, TensorToWrite>,
  metadata: Readonly<Record<string, string>> = {},
): Promise<void> {
  if (tensors.has('__metadata__')) throw new Error("writeSafetensors: a tensor cannot be called '__metadata__'");
  const ordered = [...tensors].sort(([, a], [, b]) => dtypeBytes(b.dtype) - dtypeBytes(a.dtype));
  const entries: [string, unknown][] = [];
  if (Object.keys(metadata).length > 0) entries.push(['__metadata__', metadata]);
  let at = 0;
  for (const [key, tensor] of ordered) {
    const end = at + tensor.byteLength;
    entries.push([key, { dtype: safetensorsName(tensor.dtype), shape: tensor.shape, data_offsets: [at, end] }]);
    at = end;
  }
  // Not JSON.stringify of one object: that would move keys that look like numbers to the front.
  const json = `{${entries.map(([key, value]) => `${JSON.stringify(key)}:${JSON.stringify(value)}`).join(',')}}`;
  const text = new TextEncoder().encode(json);
  const length = Math.ceil(text.length / 8) * 8;
  const header = new Uint8Array(8 + length).fill(0x20);
  new DataView(header.buffer).setBigUint64(0, BigInt(length), true);
  header.set(text, 8);
  await sink.write(header);
  for (const [key, tensor] of ordered) await sink.write(await tensor.take(key));
}
