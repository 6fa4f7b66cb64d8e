import { describe, expect, it } from 'vitest';
import { fromFile, toFile } from './file-layout.js';
import { zeros } from './init.js';
import { type FileLayout, Scope } from './scope.js';

function specOf(shape: readonly number[], file?: FileLayout) {
  const scope = Scope.root();
  scope.param('w', shape, zeros, file ? { file } : {});
  return scope.specs.get('w')!;
}

/** OIHW in the file, HWIO in memory. */
function conv(o: number, i: number, h: number, w: number) {
  return specOf([h, w, i, o], { shape: [o, i, h, w], perm: [2, 3, 1, 0] });
}

describe('fromFile', () => {
  it('turns OIHW into HWIO, also across block borders', () => {
    for (const [o, i, h, w] of [
      [2, 3, 2, 2],
      [33, 2, 3, 3],
      [70, 5, 1, 3],
      [1, 1, 1, 1],
    ] as const) {
      const file = Float32Array.from({ length: o * i * h * w }, (_, at) => at);
      const memory = fromFile(conv(o, i, h, w), file);
      for (let a = 0; a < o; a++)
        for (let b = 0; b < i; b++)
          for (let y = 0; y < h; y++)
            for (let x = 0; x < w; x++)
              expect(memory[((y * w + x) * i + b) * o + a]).toBe(file[((a * i + b) * h + y) * w + x]);
    }
  });

  it('permutes any axes', () => {
    const spec = specOf([4, 2, 3], { shape: [2, 3, 4], perm: [2, 0, 1] });
    const memory = fromFile(
      spec,
      Int32Array.from({ length: 24 }, (_, at) => at),
    );
    for (let a = 0; a < 2; a++)
      for (let b = 0; b < 3; b++)
        for (let c = 0; c < 4; c++) expect(memory[(c * 2 + a) * 3 + b]).toBe((a * 3 + b) * 4 + c);
  });

  it('hands on values whose order is ours', () => {
    const values = new Float32Array(6);
    expect(fromFile(specOf([2, 3]), values)).toBe(values);
    expect(fromFile(specOf([2, 3], { shape: [2, 3, 1, 1] }), values)).toBe(values);
    expect(fromFile(specOf([]), new Int32Array(1))).toEqual(new Int32Array(1));
  });

  it('is undone by toFile', () => {
    const spec = conv(5, 4, 3, 2);
    const file = Float32Array.from({ length: 120 }, (_, at) => at * 0.5);
    expect(toFile(spec, fromFile(spec, file))).toEqual(file);
    const cyclic = specOf([4, 2, 3], { shape: [2, 3, 4], perm: [2, 0, 1] });
    expect(toFile(cyclic, fromFile(cyclic, file.slice(0, 24)))).toEqual(file.slice(0, 24));
  });

  it('refuses another count of values', () => {
    expect(() => fromFile(specOf([2, 3]), new Float32Array(5))).toThrow("fromFile: 'w' is [2,3] = 6 values, got 5");
    expect(() => toFile(specOf([2, 3]), new Float32Array(7))).toThrow("toFile: 'w' is [2,3] = 6 values, got 7");
  });
});
