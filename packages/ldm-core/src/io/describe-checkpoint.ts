import type { Checkpoint, CheckpointFormat } from './checkpoint.js';
import type { DType } from './dtype.js';
import { groupKeys } from './key-groups.js';
import { PickleDict, type PickleValue } from './pickle-value.js';
import { flattenTensors, keyName } from './tensor-tree.js';

/** Some tensors of a file, counted. */
export interface TensorCount {
  readonly tensors: number;
  readonly elements: number;
  readonly bytes: number;
}

/** What a checkpoint holds, as data that JSON can carry. */
export interface CheckpointDescription extends TensorCount {
  readonly file: string;
  readonly format: CheckpointFormat;
  readonly fileBytes: number;
  readonly dtypes: Readonly<Partial<Record<DType, number>>>;
  readonly groups: readonly ({ readonly prefix: string } & TensorCount)[];
  /** Tensors elsewhere in the file, such as optimizer moments. */
  readonly others: TensorCount;
  /** Plain values beside the weights: numbers, text, and for containers their number of entries. */
  readonly values: Readonly<Record<string, string | number | boolean | null>>;
  readonly metadata: Readonly<Record<string, string>>;
  /** Every key with type and shape, in file order. */
  readonly keys: readonly { readonly key: string; readonly dtype: DType; readonly shape: readonly number[] }[];
}

/**
 * Describe an open checkpoint from its header alone.
 * @param prefix only keys that start with it
 * @throws CheckpointError if the rest of the file cannot be walked
 */
export function describeCheckpoint(checkpoint: Checkpoint, prefix = ''): CheckpointDescription {
  const keys = [...checkpoint.tensors.keys()].filter((key) => key.startsWith(prefix));
  const dtypes: Partial<Record<DType, number>> = {};
  for (const key of keys) {
    const { dtype } = checkpoint.tensor(key);
    dtypes[dtype] = (dtypes[dtype] ?? 0) + 1;
  }
  const count = (members: readonly string[]) => countOf(members.map((key) => checkpoint.tensor(key)));
  const weights = new Set(checkpoint.tensors.values());
  const all = [...flattenTensors(checkpoint.file, checkpoint.root).values()];
  return {
    file: checkpoint.file,
    format: checkpoint.format,
    fileBytes: checkpoint.size,
    ...count(keys),
    dtypes,
    groups: groupKeys(keys, 24).map((group) => ({ prefix: group.prefix, ...count(group.keys) })),
    others: countOf(all.filter((tensor) => !weights.has(tensor))),
    values: valuesOf(checkpoint.root),
    metadata: Object.fromEntries(checkpoint.metadata),
    keys: keys.map((key) => {
      const { dtype, shape } = checkpoint.tensor(key);
      return { key, dtype, shape };
    }),
  };
}

function countOf(tensors: readonly { readonly numel: number; readonly byteLength: number }[]): TensorCount {
  return {
    tensors: tensors.length,
    elements: tensors.reduce((sum, tensor) => sum + tensor.numel, 0),
    bytes: tensors.reduce((sum, tensor) => sum + tensor.byteLength, 0),
  };
}

function valuesOf(root: PickleValue): Record<string, string | number | boolean | null> {
  const values: [string, string | number | boolean | null][] = [];
  if (!(root instanceof PickleDict) || !root.entries.has('state_dict')) return {};
  for (const [key, value] of root.entries) {
    if (key === 'state_dict') continue;
    if (value === null || ['number', 'boolean'].includes(typeof value)) values.push([keyName(key), value as number]);
    else if (typeof value === 'string') values.push([keyName(key), value.slice(0, 200)]);
    else if (value instanceof PickleDict) values.push([keyName(key), `${value.entries.size} entries`]);
    else if (Array.isArray(value)) values.push([keyName(key), `${value.length} items`]);
    else values.push([keyName(key), typeof value === 'object' ? value.constructor.name : String(value)]);
  }
  return Object.fromEntries(values);
}
