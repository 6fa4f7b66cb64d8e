import type * as tf from '@tensorflow/tfjs-core';
import { fromFile, type HostValues } from '../nn/file-layout.js';
import { Params } from '../nn/params.js';
import type { ParamSpec } from '../nn/scope.js';
import type { Checkpoint } from './checkpoint.js';
import { CheckpointError } from './checkpoint-error.js';
import { countNonFinite, float32Values, int32Values } from './element-values.js';
import { formatGroups } from './key-groups.js';
import { CheckpointMismatch, type KeyReport, type MatchOptions, matchKeys } from './key-report.js';
import { readAhead } from './read-ahead.js';
import type { StoredTensor } from './stored-tensor.js';
import { copiesAtOnce, type Upload, uploadNow } from './upload.js';

/** How weights are loaded. */
export interface LoadOptions extends MatchOptions {
  /** Refuse missing and unexpected keys (default true). Other shapes are refused in any case. */
  readonly strict?: boolean;
  /** Refuse NaN and infinity (default true). */
  readonly checkFinite?: boolean;
  /**
   * Makes each tensor, of values that are only lent: they are overwritten after the call. By default `tf.tensor`, and values
   * are lent to backends that copy them, while others get an array of their own for every parameter.
   */
  readonly upload?: Upload;
}

/**
 * Load the declared parameters from an open checkpoint: first the header is compared, then tensors are read one by one,
 * the next one while this one is converted to float32 (int32), brought into memory's layout and uploaded.
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
  const loader = new Loader(checkpoint.file, options, options.upload !== undefined || (await copiesAtOnce()));
  const loads = [...specs].flatMap(([key, spec]) => {
    const source = sources.get(key);
    return source ? [{ ...source, spec }] : [];
  });
  const wanted = loads.map(({ spec, fileKey, tensor }) => ({ fileKey, tensor, lent: loader.lends(spec, tensor) }));
  const params = new Params();
  try {
    let i = 0;
    for await (const bytes of readAhead(checkpoint, wanted)) {
      const { spec, fileKey, tensor } = loads[i++]!;
      params.set(spec.key, loader.load(spec, fileKey, tensor, bytes));
    }
    loader.assertFinite();
  } catch (error) {
    params.dispose();
    throw error;
  }
  return { params, report };
}

class Loader {
  private reordered = new ArrayBuffer(0);
  private readonly nonFinite = new Map<string, number>();

  constructor(
    private readonly file: string,
    private readonly options: LoadOptions,
    /** Whether an array may be used again once its tensor is made. */
    private readonly reuses: boolean,
  ) {}

  /** Whether the tensor is made of other bytes than those read, or the backend copies them. */
  lends(spec: ParamSpec, tensor: StoredTensor): boolean {
    return this.reuses || spec.file?.perm !== undefined || tensor.dtype !== spec.dtype;
  }

  load(spec: ParamSpec, fileKey: string, tensor: StoredTensor, bytes: Uint8Array<ArrayBuffer>): tf.Tensor {
    const values =
      spec.dtype === 'float32' ? float32Values(tensor.dtype, bytes) : this.integers(fileKey, tensor, bytes);
    if (values instanceof Float32Array && this.options.checkFinite !== false) {
      const count = countNonFinite(values);
      if (count > 0) this.nonFinite.set(fileKey, count);
    }
    const upload = this.options.upload ?? uploadNow;
    return upload(fromFile<HostValues>(spec, values, this.target(values)), spec);
  }

  /** Where values in another order go: one buffer for all tensors where that may be. */
  private target(values: HostValues): HostValues | undefined {
    if (!this.reuses) return undefined;
    if (this.reordered.byteLength < values.byteLength) this.reordered = new ArrayBuffer(values.byteLength);
    const Elements = values instanceof Float32Array ? Float32Array : Int32Array;
    return new Elements(this.reordered, 0, values.length);
  }

  assertFinite(): void {
    const [first] = this.nonFinite;
    if (first === undefined) return;
    const keys = [...this.nonFinite.keys()];
    throw new CheckpointError({
      file: this.file,
      key: first[0],
      problem: `${first[1]} values are NaN or infinite; so are some of ${keys.length} tensors in all: ${formatGroups(keys)}`,
      advice: 'the training run diverged or the file is damaged: take an earlier checkpoint',
    });
  }

  private integers(key: string, tensor: StoredTensor, bytes: Uint8Array<ArrayBuffer>): Int32Array {
    const values = int32Values(tensor.dtype, bytes);
    if (values !== undefined) return values;
    throw new CheckpointError({
      file: this.file,
      key,
      problem: `holds ${tensor.dtype} values that int32 does not`,
      advice: 'no counter of this model is that large: the file is damaged',
    });
  }
}
