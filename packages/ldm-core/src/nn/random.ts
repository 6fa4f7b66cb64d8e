import * as tf from '@tensorflow/tfjs-core';
import { hashText } from './hash.js';
import { hasKernel, runKernel } from './kernel.js';
import { type HostSeed, hostIntegers, hostNormal, hostUniform } from './stateless-random.js';

/**
 * A source of random numbers as a value: the same `Rng` and the same call give the same numbers on every backend, eager,
 * traced and in every run. It has no state to advance, so a recomputed block draws what it drew before. Use one `Rng` for
 * one draw and `split` it for more: draws of several kinds from one `Rng` come from the same bits.
 *
 * `split(label)` maps each seed word s to s A + hash(label) mod 2^32, with A = 69069 and 1566083 for the two words and two
 * hashes of the label. A chain of splits is again of this form, so only its factor and summand are kept, and a seed that is
 * a tensor (the argument of a traced step) is not touched before a draw.
 */
export class Rng {
  private constructor(
    private readonly root: HostSeed | tf.Tensor1D,
    private readonly factor: HostSeed = [1, 1],
    private readonly summand: HostSeed = [0, 0],
    private readonly part: BatchPart = WHOLE,
  ) {}

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

  /** From a tensor, which stays the caller's and has to live as long as anything drawn from it. @param seed int32 [2] */
  static from(seed: tf.Tensor1D): Rng {
    if (seed.dtype !== 'int32' || seed.rank !== 1 || seed.size !== 2) {
      throw new Error(`Rng.from: the seed is ${seed.dtype} [${seed.shape}], must be int32 [2]`);
    }
    return new Rng(seed);
  }

  /** An independent source named by a label: a layer's path, a step's number, a purpose. */
  split(label: string | number): Rng {
    return new Rng(this.root, affine(this.factor, A, [0, 0]), affine(this.summand, A, hashLabel(label)), this.part);
  }

  /**
   * The same source for one of several processes that share a batch: where another Rng draws [n B, ...], the part's draws
   * [B, ...], for every shape, are rows index B to (index + 1) B of them. Splits stay parts. What is drawn is the whole,
   * so draws cost as much as those of one process with the whole batch.
   */
  share({ index, of }: BatchPart): Rng {
    if (!(Number.isInteger(of) && Number.isInteger(index) && index >= 0 && index < of)) {
      throw new Error(`Rng.share: part ${index} of ${of}; parts count from 0`);
    }
    return new Rng(this.root, this.factor, this.summand, { index, of });
  }

  /**
   * The same source for one of several equal parts of a batch: its draws [B, ...] are rows index B to (index + 1) B of this one's
   * [n B, ...]. Parts have parts; {@link share} begins anew with the whole.
   */
  rows({ index, of }: BatchPart): Rng {
    return this.share({ index: this.part.index * of + index, of: this.part.of * of });
  }

  /** The seed as int32 [2]: what a traced step takes as its input. The caller owns it. */
  toTensor(): tf.Tensor1D {
    const { root, factor, summand } = this;
    if (isHost(root) || !hasKernel('StatelessRandomUniform')) return tf.tensor1d([...this.hostSeed()], 'int32');
    // int32 arithmetic of a backend that has the kernels wraps around, as Math.imul does.
    return tf.tidy(() => tf.add(tf.mul(root, tf.tensor1d([...factor], 'int32')), tf.tensor1d([...summand], 'int32')));
  }

  /** Standard normal draws. */
  normal<R extends tf.Rank>(shape: readonly number[]): tf.Tensor<R> {
    return this.draw('StatelessRandomNormal', shape, {}, (seed, all) =>
      tf.tensor(hostNormal(seed, tf.util.sizeFromShape(all)), all),
    );
  }

  /** Draws in [0, 1). */
  uniform<R extends tf.Rank>(shape: readonly number[]): tf.Tensor<R> {
    return this.draw('StatelessRandomUniform', shape, {}, (seed, all) =>
      tf.tensor(hostUniform(seed, tf.util.sizeFromShape(all)), all),
    );
  }

  /** int32 draws in low .. high-1. */
  integers<R extends tf.Rank>(shape: readonly number[], low: number, high: number): tf.Tensor<R> {
    const int32 = (x: number) => Number.isInteger(x) && x >= -(2 ** 31) && x < 2 ** 31;
    if (!int32(low) || !int32(high) || low >= high) {
      throw new Error(`Rng.integers: [${low}, ${high}) must be a non-empty range of 32-bit integers`);
    }
    return this.draw('StatelessRandomUniformInt', shape, { low, high }, (seed, all) =>
      tf.tensor(hostIntegers(seed, tf.util.sizeFromShape(all), low, high), all, 'int32'),
    );
  }

  /**
   * The numbers 0 .. n-1 in random order, int32 [n]: indices of n random 32-bit integers from the largest to the smallest;
   * of equal ones the lower index comes first.
   */
  permutation(n: number): tf.Tensor1D {
    if (!Number.isInteger(n) || n < 0) throw new Error(`Rng.permutation: n is ${n}, must be an integer of at least 0`);
    if (this.part.of > 1) throw new Error('Rng.permutation: a part of a batch has no order of its own');
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
    onHost: (seed: HostSeed, shape: number[]) => tf.Tensor,
  ): tf.Tensor<R> {
    const { index, of } = this.part;
    const [B, ...rest] = shape;
    if (B === undefined && of > 1) throw new Error(`Rng.draw: a scalar has no part ${index} of ${of}`);
    const all = B === undefined ? [] : [B * of, ...rest];
    return tf.tidy(() => {
      const draws = hasKernel(name)
        ? runKernel(name, { seed: this.toTensor() }, { ...attrs, shape: all })[0]!
        : onHost(this.hostSeed(), all);
      return (of === 1 ? draws : tf.slice(draws, [index * B!], [B!])) as tf.Tensor<R>;
    });
  }

  /** The seed's words. Reads a tensor, which is sound only where nothing is traced: on a backend without the kernels. */
  private hostSeed(): HostSeed {
    const [word0 = 0, word1 = 0] = isHost(this.root) ? this.root : this.root.dataSync();
    return affine([word0, word1], this.factor, this.summand);
  }
}

/** Which part of a batch that several processes share. */
export interface BatchPart {
  readonly index: number;
  /** Number of parts, all of one size. */
  readonly of: number;
}

const WHOLE: BatchPart = { index: 0, of: 1 };

/** Factors of a split; odd, so that the maps are one-to-one. */
const A: HostSeed = [69069, 1566083];

/** x a + b in each word, mod 2^32. */
function affine(x: HostSeed, a: HostSeed, b: HostSeed): HostSeed {
  return [(Math.imul(x[0], a[0]) + b[0]) | 0, (Math.imul(x[1], a[1]) + b[1]) | 0];
}

function isHost(seed: HostSeed | tf.Tensor1D): seed is HostSeed {
  return Array.isArray(seed);
}

/** Two 32-bit hashes (FNV-1a, then mixed) of a label; 1 and '1' are different labels. */
function hashLabel(label: string | number): HostSeed {
  const text = typeof label === 'number' ? `#${label}` : label;
  return [hashText(text, 0x811c9dc5), hashText(text, 0x2b3f1a97)];
}
