import { readFileSync } from 'node:fs';
import {
  BufferSink,
  bytesSource,
  type CheckpointFormat,
  type DType,
  encodeValues,
  isFloating,
  openCheckpoint,
  type ParamSpec,
  Scope,
  TensorToWrite,
  writeSafetensors,
  writeTorchZip,
  zeros,
} from '@codiff/ldm-core';

/** Where the bytes of a storage lie in a sound file. */
export interface Place {
  readonly at: number;
  readonly byteLength: number;
  /** Of a tensor in it. */
  readonly dtype: DType;
}

/** A sound file to start from, and what is known of it. */
export interface CorpusFile {
  readonly bytes: Uint8Array;
  /** The model whose checkpoint it is. */
  readonly specs: ReadonlyMap<string, ParamSpec>;
  /** Every storage, in the file's order. */
  readonly storages: readonly Place[];
}

/** Small files of PyTorch and of our own writers. */
export async function corpusOf(format: CheckpointFormat): Promise<readonly CorpusFile[]> {
  return Promise.all((await soundFiles(format)).map(describe));
}

async function soundFiles(format: CheckpointFormat): Promise<Uint8Array[]> {
  const fixtures = new URL('../../packages/parity/fixtures/checkpoint/', import.meta.url);
  const peers = new URL('../../packages/ldm-core/test/checkpoints/', import.meta.url);
  if (format === 'torch-legacy') return [load(fixtures, 'odd_legacy.ckpt'), load(peers, 'legacy.ckpt')];
  const tensors = ownTensors();
  const sink = new BufferSink();
  if (format === 'safetensors') {
    await writeSafetensors(sink, tensors, { note: 'fuzz', config: '{"a": 1}' });
    return [sink.bytes()];
  }
  await writeTorchZip(sink, { epoch: 3, lr: 1e-4, state_dict: tensors, callbacks: [], name: 'fuzz' });
  const torch = [
    load(fixtures, 'odd.ckpt'),
    load(peers, 'protocol4.pth'),
    load(peers, 'protocol5.ckpt'),
    load(peers, 'mask.pt'),
  ];
  return [...torch, sink.bytes()];
}

async function describe(bytes: Uint8Array): Promise<CorpusFile> {
  const { tensors } = await openCheckpoint(bytesSource('sound', bytes));
  const scope = Scope.root();
  const storages = new Map<number, Place>();
  for (const [key, { dtype, shape, storage }] of tensors) {
    // Axes reversed, so that loading has to put elements in another order.
    const perm = shape.map((_, axis) => shape.length - 1 - axis);
    scope.buffer(key, [...shape].reverse(), zeros, {
      dtype: isFloating(dtype) ? 'float32' : 'int32',
      ...(shape.length > 1 ? { file: { shape, perm } } : {}),
    });
    const at = await storage.locate();
    storages.set(at, { at, byteLength: storage.byteLength, dtype });
  }
  return { bytes, specs: scope.specs, storages: [...storages.values()].sort((a, b) => a.at - b.at) };
}

function load(folder: URL, name: string): Uint8Array {
  return new Uint8Array(readFileSync(new URL(name, folder)));
}

function ownTensors(): Map<string, TensorToWrite> {
  const values = Float32Array.from({ length: 24 }, (_, i) => i);
  const dtypes = ['float32', 'float16', 'bfloat16', 'float64', 'int64', 'uint8'] as const;
  return new Map(
    dtypes.map((dtype) => [
      `layer.${dtype}.weight`,
      new TensorToWrite(dtype, [2, 3, 4], async () => encodeValues(dtype, values)),
    ]),
  );
}
