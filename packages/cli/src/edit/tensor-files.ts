import {
  type Checkpoint,
  encodeValues,
  float32Values,
  int32Values,
  isDType,
  type StoredTensor,
  TensorToWrite,
} from '@codiff/ldm-core';
import { openCheckpointFile, saveTensors } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';

/** Where a file's header keeps what it was made of. */
const RECORD = 'codiff_edit';

/** Save tensors as safetensors, bit for bit and as they lie in memory. @param record plain JSON for the header */
export async function writeTensors(
  path: string,
  tensors: ReadonlyMap<string, tf.Tensor>,
  record?: unknown,
): Promise<void> {
  const entries = [...tensors].map(([name, tensor]): [string, TensorToWrite] => [name, asIs(tensor)]);
  await saveTensors(path, new Map(entries), withRecord(record));
}

/** Save options that put a record into a safetensors header. */
export const withRecord = (record: unknown): { readonly metadata: Readonly<Record<string, string>> } => ({
  metadata: record === undefined ? {} : { [RECORD]: JSON.stringify(record) },
});

/** All tensors of a file, by name, and its record as plain JSON. The caller owns the tensors. */
export async function readTensors(path: string): Promise<{ tensors: Map<string, tf.Tensor>; record: unknown }> {
  const checkpoint = await openCheckpointFile(path);
  const tensors = new Map<string, tf.Tensor>();
  try {
    for (const [name, stored] of checkpoint.tensors) {
      tensors.set(name, toTensor(stored, await checkpoint.readBytes(name)));
    }
    return { tensors, record: recordOf(checkpoint) };
  } catch (error) {
    tf.dispose([...tensors.values()]);
    throw error;
  } finally {
    await checkpoint.close();
  }
}

/** The record of a file; nothing else is read. */
export async function readRecord(path: string): Promise<unknown> {
  const checkpoint = await openCheckpointFile(path);
  try {
    return recordOf(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

function recordOf({ metadata }: Checkpoint): unknown {
  const text = metadata.get(RECORD);
  if (text === undefined) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function asIs(tensor: tf.Tensor): TensorToWrite {
  const { dtype } = tensor;
  if (!isDType(dtype)) throw new Error(`writeTensors: a tensor of type ${dtype} has no place in a file`);
  return new TensorToWrite(dtype, tensor.shape, async () =>
    encodeValues(dtype, (await tensor.data()) as Float32Array | Int32Array),
  );
}

function toTensor({ dtype, shape }: StoredTensor, bytes: Uint8Array<ArrayBuffer>): tf.Tensor {
  if (dtype === 'int32') return tf.tensor(int32Values(dtype, bytes)!, [...shape], 'int32');
  return tf.tensor(float32Values(dtype, bytes), [...shape], 'float32');
}
