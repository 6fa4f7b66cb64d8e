import { firstAxisLast } from './first-axis-last.js';
import type { ParamSpec } from './scope.js';
import { contiguousStrides } from './strides.js';

/** Values of a parameter on the host. */
export type HostValues = Float32Array | Int32Array;

/**
 * Reorder a checkpoint's values into memory's layout (convolutions: OIHW -> HWIO). Where the layouts agree the array itself
 * comes back, otherwise `into` or a new one.
 * @param into as long as `fileValues`, and other memory
 * @throws Error if the count of values is not that of the spec
 */
export function fromFile<T extends HostValues>(spec: ParamSpec, fileValues: T, into?: T): T {
  checkCount('fromFile', spec, fileValues);
  return toMemory(spec, fileValues, into);
}

/** The inverse of `fromFile`: memory's layout -> the checkpoint's. */
export function toFile<T extends HostValues>(spec: ParamSpec, values: T): T {
  checkCount('toFile', spec, values);
  const perm = spec.file?.perm;
  if (perm === undefined) return values;
  const inverse = perm.map((_, axis) => perm.indexOf(axis));
  return permute(values, spec.shape, inverse);
}

/** `fromFile` without the check. */
export function toMemory<T extends HostValues>(spec: ParamSpec, fileValues: T, into?: T): T {
  return spec.file?.perm ? permute(fileValues, spec.file.shape, spec.file.perm, into) : fileValues;
}

function checkCount(where: string, spec: ParamSpec, values: HostValues): void {
  const wanted = spec.shape.reduce((product, dim) => product * dim, 1);
  if (values.length !== wanted) {
    throw new Error(`${where}: '${spec.key}' is [${spec.shape}] = ${wanted} values, got ${values.length}`);
  }
}

/** Axes transposed: output axis a is input axis perm[a]. Innermost loops run over small blocks that fit the cache. */
function permute<T extends HostValues>(values: T, shape: readonly number[], perm: readonly number[], into?: T): T {
  const rank = shape.length;
  const out = into ?? newLike(values);
  if (rank > 1 && perm[rank - 1] === 0) {
    firstAxisLast(values, shape, perm, out);
    return out;
  }
  const inStrides = contiguousStrides(shape);
  const outShape = perm.map((axis) => shape[axis]!);
  const outStrides = contiguousStrides(outShape);
  // For each input axis, how far one step along it moves in the output.
  const moves = shape.map((_, axis) => outStrides[perm.indexOf(axis)]!);

  // The axis that is innermost in the output is walked in blocks together with the input's innermost ones, so that both the
  // reads and the writes of a block stay within few cache lines.
  const fast = perm[rank - 1]!;
  const block = 128;
  const others = shape.map((_, axis) => axis).filter((axis) => axis !== fast);
  const count = others.reduce((product, axis) => product * shape[axis]!, 1);
  const fastDim = shape[fast]!;
  const readStep = inStrides[fast]!;
  const index = new Array<number>(others.length);
  for (let start = 0; start < fastDim; start += block) {
    const stop = Math.min(start + block, fastDim);
    index.fill(0);
    let read = start * readStep;
    let write = start;
    for (let n = 0; n < count; n++) {
      for (let i = start, r = read, w = write; i < stop; i++, r += readStep, w++) out[w] = values[r]!;
      for (let a = others.length - 1; a >= 0; a--) {
        const axis = others[a]!;
        read += inStrides[axis]!;
        write += moves[axis]!;
        if (++index[a]! < shape[axis]!) break;
        index[a] = 0;
        read -= inStrides[axis]! * shape[axis]!;
        write -= moves[axis]! * shape[axis]!;
      }
    }
  }
  return out;
}

function newLike<T extends HostValues>(values: T): T {
  return (values instanceof Float32Array ? new Float32Array(values.length) : new Int32Array(values.length)) as T;
}
