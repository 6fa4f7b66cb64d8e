import { describe, expect, it } from 'vitest';
import { firstAxisLast } from './first-axis-last.js';

const counted = (size: number) => Float32Array.from({ length: size }, (_, at) => at);
const sizeOf = (shape: readonly number[]) => shape.reduce((product, size) => product * size, 1);

/** The definition: each element found by its indices. */
function defined(values: ArrayLike<number>, shape: readonly number[], perm: readonly number[]): number[] {
  const outShape = perm.map((axis) => shape[axis]!);
  return Array.from({ length: sizeOf(shape) }, (_, at) => {
    const index = new Array<number>(shape.length);
    let rest = at;
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      index[perm[axis]!] = rest % outShape[axis]!;
      rest = Math.floor(rest / outShape[axis]!);
    }
    return values[shape.reduce((place, size, axis) => place * size + index[axis]!, 0)]!;
  });
}

describe('firstAxisLast', () => {
  it('transposes a matrix', () => {
    const out = new Float32Array(6);
    firstAxisLast(counted(6), [2, 3], [1, 0], out);
    expect([...out]).toEqual([0, 3, 1, 4, 2, 5]);
  });

  // Rows are copied by eight, columns by 64: counts below, at and above both.
  it.each([
    [
      [7, 3, 2, 2],
      [2, 3, 1, 0],
    ],
    [
      [8, 64],
      [1, 0],
    ],
    [
      [17, 65],
      [1, 0],
    ],
    [
      [9, 5, 3, 9],
      [2, 3, 1, 0],
    ],
    [
      [16, 2, 3, 4],
      [3, 1, 2, 0],
    ],
    [
      [1, 4, 3],
      [1, 2, 0],
    ],
    [
      [3, 1, 1, 1],
      [2, 3, 1, 0],
    ],
  ])('%j by axes %j is its definition', (shape, perm) => {
    const values = counted(sizeOf(shape));
    const out = new Float32Array(values.length).fill(-1);
    firstAxisLast(values, shape, perm, out);
    expect([...out]).toEqual(defined(values, shape, perm));
  });

  it('copies integers, and nothing of an empty array', () => {
    const out = new Int32Array(4);
    firstAxisLast(Int32Array.of(1, -2, 2 ** 31 - 1, 4), [2, 2], [1, 0], out);
    expect([...out]).toEqual([1, 2 ** 31 - 1, -2, 4]);
    firstAxisLast(new Float32Array(0), [4, 0, 3], [1, 2, 0], new Float32Array(0));
  });
});
