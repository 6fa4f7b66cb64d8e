import type { FuzzRandom } from './random.js';

/** Numbers at which length and offset arithmetic tends to break. */
const EDGES = [
  0n,
  1n,
  2n,
  7n,
  8n,
  127n,
  128n,
  255n,
  256n,
  65535n,
  65536n,
  2n ** 24n,
  2n ** 31n - 1n,
  2n ** 31n,
  2n ** 32n - 1n,
].concat([2n ** 32n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 63n - 1n, 2n ** 63n, 2n ** 64n - 1n]);

/** An edge number, or one near the file's own size. */
export function edgeNumber(random: FuzzRandom, size: number): bigint {
  return random.oneIn(3) ? BigInt(Math.max(0, size - 40 + random.below(80))) : random.pick(EDGES);
}

/** Overwrite a little-endian field of 1, 2, 4 or 8 bytes. */
export function setField(bytes: Uint8Array, at: number, width: number, value: bigint): void {
  for (let i = 0; i < width && at + i < bytes.length; i++) bytes[at + i] = Number((value >> BigInt(8 * i)) & 0xffn);
}

/** One random change that knows nothing of the format. */
export function mutateBytes(input: Uint8Array, random: FuzzRandom): Uint8Array {
  const bytes = input.slice();
  const at = random.below(bytes.length + 1);
  const length = Math.min(bytes.length - at, 1 + random.below(random.oneIn(4) ? 512 : 16));
  switch (random.below(8)) {
    case 0:
      if (at < bytes.length) bytes[at] = bytes[at]! ^ (1 << random.below(8));
      return bytes;
    case 1:
      if (at < bytes.length) bytes[at] = random.below(256);
      return bytes;
    case 2:
      for (let i = 0; i < length; i++) bytes[at + i] = random.below(256);
      return bytes;
    case 3:
      return bytes.subarray(0, at);
    case 4:
      return join(bytes.subarray(0, at), bytes.subarray(at + length));
    case 5:
      return join(bytes.subarray(0, at + length), bytes.subarray(at));
    case 6: {
      const noise = Uint8Array.from({ length: 1 + random.below(32) }, () => random.below(256));
      return join(bytes.subarray(0, at), noise, bytes.subarray(at));
    }
    default:
      setField(bytes, at, random.pick([1, 2, 4, 8]), edgeNumber(random, bytes.length));
      return bytes;
  }
}

/** Parts one after another. */
export function join(...parts: Uint8Array[]): Uint8Array {
  const all = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    all.set(part, at);
    at += part.length;
  }
  return all;
}
