/**
 * TensorFlow's stateless random ops (first version) in plain JavaScript, for backends without those kernels: the same seed
 * gives the same numbers with and without TensorFlow; bit for bit for uniform and integer draws, and to the rounding of
 * the logarithm and the sine for normal ones.
 *
 * Definition. The seed's two words, sign-extended to 64 bits, form a counter [seed0, seed1] that one Philox block under the
 * key [0x3ec8f720, 0x02461e29] scrambles to [a, b, c, d]; the stream is then philox(counter [i, i >> 32, c, d], key [a, b])
 * for i = 0, 1, ..., four words each. From a word x: uniform (x mod 2^23) / 2^23; integer low + x mod (high - low); normal
 * by Box and Muller (1958) from two words with u1 >= 1e-7: sqrt(-2 log u1) times sin, then cos, of 2 pi u2.
 */
import { philoxBlock } from './philox.js';

/** A seed on the host: two int32. */
export type HostSeed = readonly [number, number];

/** Uniform in [0, 1), multiples of 2^-23. */
export function hostUniform(seed: HostSeed, size: number): Float32Array {
  const values = new Float32Array(size);
  fill(seed, size, (word, i) => {
    values[i] = unitFloat(word);
  });
  return values;
}

/** Standard normal. */
export function hostNormal(seed: HostSeed, size: number): Float32Array {
  const values = new Float32Array(size);
  let u1 = 0;
  fill(seed, size + (size & 1), (word, i) => {
    if ((i & 1) === 0) {
      u1 = Math.max(unitFloat(word), Math.fround(1e-7));
      return;
    }
    const radius = Math.fround(Math.sqrt(Math.fround(-2 * Math.fround(Math.log(u1)))));
    const angle = Math.fround(2 * Math.PI * unitFloat(word));
    values[i - 1] = Math.fround(Math.sin(angle)) * radius;
    if (i < size) values[i] = Math.fround(Math.cos(angle)) * radius;
  });
  return values;
}

/** Integers in [low, high). */
export function hostIntegers(seed: HostSeed, size: number, low: number, high: number): Int32Array {
  const values = new Int32Array(size);
  const range = high - low;
  fill(seed, size, (word, i) => {
    values[i] = low + ((word >>> 0) % range);
  });
  return values;
}

function unitFloat(word: number): number {
  return (word & 0x7fffff) * 2 ** -23;
}

function fill(seed: HostSeed, size: number, take: (word: number, index: number) => void): void {
  const block = new Int32Array(4);
  const [seed0, seed1] = seed;
  philoxBlock(block, seed0 | 0, seed0 >> 31, seed1 | 0, seed1 >> 31, 0x3ec8f720, 0x02461e29);
  const [k0 = 0, k1 = 0, c2 = 0, c3 = 0] = block;
  for (let i = 0; i < size; i += 4) {
    philoxBlock(block, i / 4, 0, c2, c3, k0, k1);
    const stop = Math.min(4, size - i);
    for (let j = 0; j < stop; j++) take(block[j]!, i + j);
  }
}
