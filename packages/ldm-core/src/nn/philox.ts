/**
 * Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as 1, 2, 3"), ten rounds on a counter of four 32-bit
 * words under a key of two. `block` is the bare function; the class is a stream of draws for host arrays.
 */
const M0 = 0xd2511f53;
const M1 = 0xcd9e8d57;
const W0 = 0x9e3779b9;
const W1 = 0xbb67ae85;

/** One Philox block: counter [4] and key [2] -> four 32-bit words, written to `out` as signed integers. */
export function philoxBlock(
  out: Int32Array,
  c0: number,
  c1: number,
  c2: number,
  c3: number,
  k0: number,
  k1: number,
): void {
  for (let round = 0; round < 10; round++) {
    const hi0 = mulHigh(M0, c0);
    const lo0 = Math.imul(M0, c0);
    const hi1 = mulHigh(M1, c2);
    const lo1 = Math.imul(M1, c2);
    c0 = hi1 ^ c1 ^ k0;
    c1 = lo1;
    c2 = hi0 ^ c3 ^ k1;
    c3 = lo0;
    k0 = (k0 + W0) | 0;
    k1 = (k1 + W1) | 0;
  }
  out[0] = c0;
  out[1] = c1;
  out[2] = c2;
  out[3] = c3;
}

/** High word of the 64-bit product of two unsigned 32-bit numbers. */
function mulHigh(a: number, b: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const bLow = b & 0xffff;
  const bHigh = b >>> 16;
  const low = aLow * bLow;
  // aHigh bLow is at most 0xfffe0001, so the sum stays below 2^33: exact in a double.
  const middle = aHigh * bLow + (low >>> 16);
  const middleLow = (middle & 0xffff) + aLow * bHigh;
  return (aHigh * bHigh + Math.floor(middle / 65536) + Math.floor(middleLow / 65536)) | 0;
}

/**
 * Draws for host arrays (first weights): block b of the stream is philox(counter [b, 0, 0, 0], key [seed, stream]).
 * Values depend on their index alone.
 */
export class Philox {
  private readonly block = new Int32Array(4);

  /** @param seed and @param stream are reduced to 32 bits */
  constructor(
    private readonly seed: number,
    private readonly stream: number,
  ) {}

  /** Fill with uniform draws in [low, high): 24 random bits each. */
  uniform(values: Float32Array | Int32Array, low: number, high: number): void {
    const { block } = this;
    for (let i = 0; i < values.length; i += 4) {
      philoxBlock(block, i / 4, 0, 0, 0, this.seed | 0, this.stream | 0);
      const stop = Math.min(4, values.length - i);
      for (let j = 0; j < stop; j++) values[i + j] = low + (high - low) * ((block[j]! >>> 8) * 2 ** -24);
    }
  }

  /** Fill with Gaussian draws (Box and Muller 1958), in double precision before rounding. */
  normal(values: Float32Array | Int32Array, mean: number, std: number): void {
    const { block } = this;
    for (let i = 0; i < values.length; i += 4) {
      philoxBlock(block, i / 4, 0, 0, 0, this.seed | 0, this.stream | 0);
      for (let j = 0; j < 4 && i + j < values.length; j += 2) {
        // (x + 0.5) / 2^32 is never 0, so the logarithm is finite.
        const radius = Math.sqrt(-2 * Math.log(((block[j]! >>> 0) + 0.5) * 2 ** -32));
        const angle = 2 * Math.PI * (block[j + 1]! >>> 0) * 2 ** -32;
        values[i + j] = mean + std * radius * Math.cos(angle);
        if (i + j + 1 < values.length) values[i + j + 1] = mean + std * radius * Math.sin(angle);
      }
    }
  }
}
