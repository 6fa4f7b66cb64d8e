import * as tf from '@tensorflow/tfjs-core';
import { hashText } from './hash.js';
import { hasKernel, runKernel } from './kernel.js';
import { type HostSeed, hostIntegers, hostNormal, hostUniform } from './stateless-random.js';

/**
 * A source of random numbers as a value: the same `Rng` and the same call give the same numbers on every backend, eager,
 * traced and in every run. It has no state to advance, so a recomputed block draws what it drew before. Use one `Rng` for
 * one draw and `split` it for more: draws of several kinds from one `Rng` come from the same bits.
 *
 * `split(label)` maps each seed word s to s A + hash(label) mod 2^32, with odd A = 69069 and 1566083 for the two words and
 * two hashes of the label. This is integer arithmetic that int32 tensors carry out exactly, so a traced step can take its
 * seed as an input.
 */
export class Rng {
  private constructor(private readonly seed: HostSeed | tf.Tensor1D) {}

  /**
   * From numbers.
   * @param seed integer; its low 32 bits count @param stream tells apart several sources of one seed
   */
  static of(seed: number, stream = 0): Rng {
    if (!Number.isSafeInteger(seed) || !Number.isSafeInteger(stream)) {
      throw new Error(`Rng.of: seed ${seed} and stream ${stream} must be integers`);
    }
    return new Rng([seed | 0, stream | 0]);
  }

  /** From a tensor, which stays the caller's. @param seed int32 [2] */
  static from(seed: tf.Tensor1D): Rng {
    if (seed.dtype !== 'int32' || seed.rank !== 1 || seed.size !== 2) {
      throw new Error(`Rng.from: the seed is ${seed.dtype} [${seed.shape}], must be int32 [2]`);
    }
    return new Rng(seed);
  }

  /** An independent source named by a label: a layer's path, a step's number, a purpose. */
  split(label: string | number): Rng {
    const [add0, add1] = hashLabel(label);
    if (isHost(this.seed)) {
      return new Rng([(Math.imul(this.seed[0], A0) + add0) | 0, (Math.imul(this.seed[1], A1) + add1) | 0]);
    }
    const { seed } = this;
    return new Rng(
      tf.tidy(() => tf.add(tf.mul(seed, tf.tensor1d([A0, A1], 'int32')), tf.tensor1d([add0, add1], 'int32'))),
    );
  }

  /** The seed as int32 [2]: what a traced step takes as its input. The caller owns it. */
  toTensor(): tf.Tensor1D {
    return isHost(this.seed) ? tf.tensor1d([...this.seed], 'int32') : tf.clone(this.seed);
  }

  /** Standard normal draws. */
  normal<R extends tf.Rank>(shape: readonly number[]): tf.Tensor<R> {
    return this.draw('StatelessRandomNormal', shape, {}, (seed, size) => tf.tensor(hostNormal(seed, size), [...shape]));
  }

  /** Draws in [0, 1). */
  uniform<R extends tf.Rank>(shape: readonly number[]): tf.Tensor<R> {
    return this.draw('StatelessRandomUniform', shape, {}, (seed, size) =>
      tf.tensor(hostUniform(seed, size), [...shape]),
    );
  }

  /** int32 draws in low .. high-1. */
  integers<R extends tf.Rank>(shape: readonly number[], low: number, high: number): tf.Tensor<R> {
    const int32 = (x: number) => Number.isInteger(x) && x >= -(2 ** 31) && x < 2 ** 31;
    if (!int32(low) || !int32(high) || low >= high) {
      throw new Error(`Rng.integers: [${low}, ${high}) must be a non-empty range of 32-bit integers`);
    }
    return this.draw('StatelessRandomUniformInt', shape, { low, high }, (seed, size) =>
      tf.tensor(hostIntegers(seed, size, low, high), [...shape], 'int32'),
    );
  }

  /**
   * The numbers 0 .. n-1 in random order, int32 [n]: indices of n random 32-bit integers from the largest to the smallest;
   * of equal ones the lower index comes first.
   */
  permutation(n: number): tf.Tensor1D {
    if (!Number.isInteger(n) || n < 0) throw new Error(`Rng.permutation: n is ${n}, must be an integer of at least 0`);
    if (n < 2) return tf.zeros<tf.Rank.R1>([n], 'int32');
    return tf.tidy(() => {
      const draws = this.integers<tf.Rank.R1>([n], -(2 ** 31), 2 ** 31 - 1);
      if (hasKernel('StatelessRandomUniformInt')) return tf.topk(draws, n, true).indices as tf.Tensor1D;
      const values = draws.dataSync();
      const order = Int32Array.from(values.keys()).sort((a, b) => values[b]! - values[a]! || a - b);
      return tf.tensor1d(order, 'int32');
    });
  }

  private draw<R extends tf.Rank>(
    name: 'StatelessRandomNormal' | 'StatelessRandomUniform' | 'StatelessRandomUniformInt',
    shape: readonly number[],
    attrs: tf.NamedAttrMap,
    onHost: (seed: HostSeed, size: number) => tf.Tensor,
  ): tf.Tensor<R> {
    return tf.tidy(() => {
      const seed = isHost(this.seed) ? this.seed : undefined;
      if (!hasKernel(name)) {
        // A backend without the kernel does not trace either, so reading the seed is sound here.
        const [s0 = 0, s1 = 0] = seed ?? (this.seed as tf.Tensor1D).dataSync();
        return onHost([s0, s1], tf.util.sizeFromShape([...shape])) as tf.Tensor<R>;
      }
      const [draws] = runKernel(name, { seed: this.toTensor() }, { ...attrs, shape: [...shape] });
      return draws as tf.Tensor<R>;
    });
  }
}

// Odd, so that the maps are one-to-one, and below 2^21, so that products with an int32 are exact in a double.
const A0 = 69069;
const A1 = 1566083;

function isHost(seed: HostSeed | tf.Tensor1D): seed is HostSeed {
  return Array.isArray(seed);
}

/** Two 32-bit hashes (FNV-1a, then mixed) of a label; 1 and '1' are different labels. */
function hashLabel(label: string | number): HostSeed {
  const text = typeof label === 'number' ? `#${label}` : label;
  return [hashText(text, 0x811c9dc5), hashText(text, 0x2b3f1a97)];
}
