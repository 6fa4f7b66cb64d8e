import * as tf from '@tensorflow/tfjs-core';
import { fromFile, type HostValues } from '../nn/file-layout.js';
import { Params } from '../nn/params.js';
import type { ParamSpec } from '../nn/scope.js';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { countNonFinite, float32Values, int32Values } from './element-values.js';
import { formatGroups } from './key-groups.js';
import { CheckpointMismatch, type KeyReport, type MatchOptions, matchKeys } from './key-report.js';
import type { StoredTensor } from './stored-tensor.js';

/** Make a tensor of values that are only lent: they are overwritten after the call. */
export type Upload = (values: HostValues, shape: number[], dtype: ParamSpec['dtype']) => tf.Tensor;

/** How weights are loaded. */
export interface LoadOptions extends MatchOptions {
  /** Refuse missing and unexpected keys (default true). Other shapes are refused in any case. */
  readonly strict?: boolean;
  /** Refuse NaN and infinity (default true). */
  readonly checkFinite?: boolean;
  /**
   * For backends that copy at once: buffers are then reused from tensor to tensor. By default `tf.tensor` gets an array of its
   * own for every parameter, which it may keep.
   */
  readonly upload?: Upload;
}

/**
 * Load the declared parameters from an open checkpoint: first the header is compared, then one tensor at a time is read,
 * converted to float32 (int32), brought into memory's layout and uploaded.
 * @returns the weights, which the caller owns, and the report; with `strict: false`, only the keys that match
 * @throws CheckpointMismatch with the whole report, before any value is read; CheckpointError if values are damaged or not
 *   finite
 */
export async function loadParams(
  specs: ReadonlyMap<string, ParamSpec>,
  checkpoint: Checkpoint,
  options: LoadOptions = {},
): Promise<{ params: Params; report: KeyReport }> {
  const { report, sources } = matchKeys(specs, checkpoint.file, checkpoint.tensors, options);
  const foreign = (options.strict ?? true) && report.missing.length + report.unexpected.length > 0;
  if (foreign || report.misshapen.length > 0) throw new CheckpointMismatch(report);
  const loader = new Loader(checkpoint, options);
  const params = new Params();
  try {
    for (const [key, spec] of specs) {
      const source = sources.get(key);
      if (source) params.set(key, await loader.load(spec, source.fileKey, source.tensor));
    }
    loader.assertFinite();
  } catch (error) {
    params.dispose();
    throw error;
  }
  return { params, report };
}

class Loader {
  private scratch = new Uint8Array(0);
  private readonly nonFinite = new Map<string, number>();

  constructor(
    private readonly checkpoint: Checkpoint,
    private readonly options: LoadOptions,
  ) {}

  async load(spec: ParamSpec, fileKey: string, tensor: StoredTensor): Promise<tf.Tensor> {
    // A float32 tensor in memory's layout is uploaded from the very bytes read: they must be its own if the backend keeps them.
    const lent = this.options.upload !== undefined || spec.file?.perm !== undefined || tensor.dtype !== spec.dtype;
    if (lent && this.scratch.length < tensor.byteLength) this.scratch = new Uint8Array(tensor.byteLength);
    const bytes = await this.checkpoint.readBytes(fileKey, lent ? this.scratch : undefined);
    const values =
      spec.dtype === 'float32' ? float32Values(tensor.dtype, bytes) : this.integers(fileKey, tensor, bytes);
    if (values instanceof Float32Array && this.options.checkFinite !== false) {
      const count = countNonFinite(values);
      if (count > 0) this.nonFinite.set(fileKey, count);
    }
    const upload = this.options.upload ?? tf.tensor;
    return upload(fromFile<HostValues>(spec, values), [...spec.shape], spec.dtype);
  }

  assertFinite(): void {
    const [first] = this.nonFinite;
    if (first === undefined) return;
    const keys = [...this.nonFinite.keys()];
    throw new CheckpointError({
      file: this.checkpoint.file,
      key: first[0],
      problem: `${first[1]} values are NaN or infinite; so are some of ${keys.length} tensors in all: ${formatGroups(keys)}`,
      advice: 'the training run diverged or the file is damaged: take an earlier checkpoint',
    });
  }

  private integers(key: string, tensor: StoredTensor, bytes: Uint8Array<ArrayBuffer>): Int32Array {
    const values = int32Values(tensor.dtype, bytes);
    if (values !== undefined) return values;
    throw new CheckpointError({
      file: this.checkpoint.file,
      key,
      problem: `holds ${tensor.dtype} values that int32 does not`,
      advice: 'no counter of this model is that large: the file is damaged',
    });
  }
}
