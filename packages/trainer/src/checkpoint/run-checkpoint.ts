import {
  type Checkpoint,
  CheckpointError,
  type ConfigTree,
  encodeValues,
  float32Values,
  int32Values,
  isDType,
  loadParams,
  type ParamSpec,
  type Params,
  PickleDict,
  StoredTensor,
  TensorToWrite,
} from '@codiff/ldm-core';
import { openCheckpointFile, saveParams } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import type { ImageLogState } from '../loop/image-cadence.js';
import type { Ranked } from './best.js';
import type { Progress } from './progress.js';

/** What a run remembers beside tensors: plain JSON. */
export interface RunRecord {
  /** Of this record. */
  readonly version: 1;
  readonly progress: Progress;
  /** Source of every random number of the run: weights, order of the data, draws of each batch. */
  readonly seed: number;
  /** The checkpoints kept for their score. */
  readonly best: readonly Ranked[];
  /** The resolved configuration. */
  readonly config: ConfigTree;
  /** Processes that share each batch; absent: one. */
  readonly processes?: number;
  /** Parts of a batch that are computed side by side, which decide in what order gradients are added up; absent: nobody said. */
  readonly branches?: number;
  /** What the image logger remembers; absent: it has not begun. */
  readonly imageLog?: ImageLogState;
}

/** Everything a run needs to go on. */
export interface RunContents {
  /** All weights by checkpoint key, averages included. */
  readonly weights: Params;
  /** What the optimizers remember, by name. */
  readonly memory: ReadonlyMap<string, tf.Tensor>;
  readonly record: RunRecord;
}

/** Where our part of the file lies, beside `state_dict`, `epoch` and `global_step`, which the original's scripts read. */
const RECORD = 'codiff_run';
const MEMORY = 'codiff_optimizers';

/**
 * Write a checkpoint in PyTorch's format, atomically: whatever happens, `path` holds the old one or all of the new one.
 * @throws what the operating system throws (a full disk): the old file is untouched then
 */
export async function saveRunCheckpoint(
  path: string,
  { weights, memory, record }: RunContents,
  specs: ReadonlyMap<string, ParamSpec>,
): Promise<void> {
  const tensors = new Map([...memory].map(([name, tensor]) => [name, toWrite(tensor)]));
  const { epoch, globalStep } = record.progress;
  const extra = { epoch, global_step: globalStep, [RECORD]: JSON.stringify(record), [MEMORY]: tensors };
  await saveParams(path, weights, specs, { format: 'torch', extra });
}

/** Write the weights alone, atomically. */
export async function saveWeights(
  path: string,
  weights: Params,
  specs: ReadonlyMap<string, ParamSpec>,
  { epoch, globalStep }: Progress,
): Promise<void> {
  await saveParams(path, weights, specs, { format: 'torch', extra: { epoch, global_step: globalStep } });
}

/**
 * Read a checkpoint that a run left, every byte against its checksum.
 * @param specs of the model that is to go on
 * @returns tensors that the caller owns
 * @throws CheckpointError for a damaged file, or one that holds weights only; CheckpointMismatch for another model's
 */
export async function loadRunCheckpoint(path: string, specs: ReadonlyMap<string, ParamSpec>): Promise<RunContents> {
  const checkpoint = await openCheckpointFile(path);
  try {
    const record = recordOf(checkpoint);
    const { params: weights } = await loadParams(specs, checkpoint);
    const memory = new Map<string, tf.Tensor>();
    for (const [name, stored] of storedMemory(checkpoint)) {
      memory.set(name, toTensor(stored, await checkpoint.readBytes(stored)));
    }
    return { weights, memory, record };
  } finally {
    await checkpoint.close();
  }
}

/** The record of a checkpoint; nothing else is read. @throws CheckpointError as {@link loadRunCheckpoint} does */
export async function readRunRecord(path: string): Promise<RunRecord> {
  const checkpoint = await openCheckpointFile(path);
  try {
    return recordOf(checkpoint);
  } finally {
    await checkpoint.close();
  }
}

function recordOf({ file, root }: Checkpoint): RunRecord {
  const text = root instanceof PickleDict ? root.get(RECORD) : undefined;
  if (typeof text !== 'string') {
    throw new CheckpointError({
      file,
      problem: 'holds weights, but no state of a training run',
      advice: 'start a new run from these weights, or resume from a checkpoint that training here wrote',
    });
  }
  const record = JSON.parse(text) as RunRecord;
  if (record.version === 1) return record;
  throw new CheckpointError({
    file,
    problem: `its training state is of version ${String(record.version)}, this is 1`,
    advice: 'resume with the release that wrote it',
  });
}

function storedMemory({ file, root }: Checkpoint): [string, StoredTensor][] {
  const memory = root instanceof PickleDict ? root.get(MEMORY) : undefined;
  const entries = memory instanceof PickleDict ? [...memory.entries] : [];
  return entries.map(([name, stored]) => {
    if (typeof name === 'string' && stored instanceof StoredTensor) return [name, stored];
    throw new CheckpointError({
      file,
      problem: `'${MEMORY}' holds something other than named tensors`,
      advice: 'take another checkpoint',
    });
  });
}

function toWrite(tensor: tf.Tensor): TensorToWrite {
  const { dtype } = tensor;
  if (!isDType(dtype)) throw new Error(`saveRunCheckpoint: a tensor of type ${dtype} has no place in a file`);
  return new TensorToWrite(dtype, tensor.shape, async () =>
    encodeValues(dtype, (await tensor.data()) as Float32Array | Int32Array),
  );
}

/** Bit for bit what was written, which was float32 or int32. */
function toTensor({ dtype, shape }: StoredTensor, bytes: Uint8Array<ArrayBuffer>): tf.Tensor {
  if (dtype === 'int32') return tf.tensor(int32Values(dtype, bytes)!, [...shape], 'int32');
  return tf.tensor(float32Values(dtype, bytes), [...shape], 'float32');
}
