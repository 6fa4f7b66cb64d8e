/** Element arrays a host tensor may have. 64-bit integers come as doubles: exact up to 2^53, far beyond any id or step. */
export type HostValues = Float32Array | Float64Array | Int32Array | Uint8Array;

/** A tensor in ordinary memory, in the layout of the fixtures: NCHW, conv OIHW, linear out x in, row-major. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly values: HostValues;
}

/** Number of elements of a shape; 1 for a scalar. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((size, extent) => size * extent, 1);
}

/** Host tensor of one number, shape []. */
export function hostScalar(value: number): HostTensor {
  return { shape: [], values: Float64Array.of(value) };
}

/**
 * Reorder axes, as `transpose(perm)`: axis i of the result is axis perm[i] of the argument.
 * @param tensor any rank; `perm` is a permutation of its axes
 */
export function permute(tensor: HostTensor, perm: readonly number[]): HostTensor {
  const { shape, values } = tensor;
  const strides = stridesOf(shape);
  const outShape = perm.map((axis) => shape[axis]!);
  const outStrides = perm.map((axis) => strides[axis]!);
  const out = values.slice();
  forEachOffset(outShape, outStrides, (position, offset) => {
    out[position] = values[offset]!;
  });
  return { shape: outShape, values: out };
}

/** The permutation that undoes `perm`. */
export function invertPermutation(perm: readonly number[]): number[] {
  const inverse = new Array<number>(perm.length);
  for (const [position, axis] of perm.entries()) inverse[axis] = position;
  return inverse;
}

/** Row-major strides in elements. */
export function stridesOf(shape: readonly number[]): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis]!;
  }
  return strides;
}

/**
 * Walk a strided view in row-major order of `shape`, with the flat position in the view and the offset under `strides`.
 * The innermost axis is a plain loop: weights of hundreds of millions of elements pass through here.
 */
export function forEachOffset(
  shape: readonly number[],
  strides: readonly number[],
  visit: (position: number, offset: number) => void,
): void {
  const rank = shape.length;
  const size = sizeOf(shape);
  if (size === 0) return;
  if (rank === 0) {
    visit(0, 0);
    return;
  }
  const inner = shape[rank - 1]!;
  const innerStride = strides[rank - 1]!;
  const index = new Array<number>(rank).fill(0);
  let base = 0;
  for (let position = 0; position < size; ) {
    for (let i = 0, offset = base; i < inner; i++, offset += innerStride) visit(position++, offset);
    for (let axis = rank - 2; axis >= 0; axis--) {
      base += strides[axis]!;
      if (++index[axis]! < shape[axis]!) break;
      base -= strides[axis]! * shape[axis]!;
      index[axis] = 0;
    }
  }
}
