import { forEachOffset, sizeOf, stridesOf } from '../cases/host-tensor.js';

/** FNV-1a, 32 bits, of the UTF-8 bytes of a text. */
export function fnv1a(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}

/**
 * A parameter's values by the rule of fixtures/FORMULA.md, the same float32 bits in any language.
 *
 * @param name the text that is hashed (K): salt + key without the prefix that the case strips
 * @param shape the original's shape, whose row-major index the rule counts
 * @param perm where the values shall lie in another order: axis i of the result is axis perm[i] of `shape`
 */
export function formulaValues(name: string, shape: readonly number[], perm?: readonly number[]): Float32Array {
  const values = new Float32Array(sizeOf(shape));
  if (shape.length === 0) return values;
  const hash = fnv1a(name);
  const isWeight = name.endsWith('.weight');
  const scale = shape.length >= 2 ? Math.sqrt(3 / sizeOf(shape.slice(1))) : 0.1;
  const shift = shape.length === 1 && isWeight ? 1 : 0;
  const fill = (position: number, index: number): void => {
    let x = (Math.imul(index, 0x9e3779b1) + hash) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    x = (x ^ (x >>> 16)) >>> 0;
    values[position] = shift + scale * ((x / 0x100000000) * 2 - 1);
  };
  const axes = perm ?? shape.map((_, axis) => axis);
  const strides = stridesOf(shape);
  forEachOffset(
    axes.map((axis) => shape[axis]!),
    axes.map((axis) => strides[axis]!),
    fill,
  );
  return values;
}
