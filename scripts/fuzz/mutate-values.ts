import { crc32, type DType, isFloating } from '@codiff/ldm-core';
import type { CorpusFile } from './corpus.js';
import { setField } from './mutate-bytes.js';
import type { FuzzRandom } from './random.js';

/** NaN, quiet and signalling, and the infinities: as float16, bfloat16, float32 and float64. */
const NON_FINITE: Readonly<Partial<Record<DType, readonly bigint[]>>> = {
  float16: [0x7e00n, 0x7c01n, 0x7c00n, 0xfc00n],
  bfloat16: [0x7fc0n, 0x7f81n, 0x7f80n, 0xff80n],
  float32: [0x7fc00000n, 0x7f800001n, 0x7f800000n, 0xff800000n],
  float64: [0x7ff8000000000000n, 0x7ff0000000000001n, 0x7ff0000000000000n, 0xfff0000000000000n],
};

/** Element widths in bytes. */
const WIDTH: Readonly<Partial<Record<DType, number>>> = { float16: 2, bfloat16: 2, float32: 4, float64: 8 };

/** Values that are no numbers in a storage or two: a sound file otherwise, whose checksums (zip) are put right. */
export function mutateValues({ bytes, storages }: CorpusFile, random: FuzzRandom): Uint8Array {
  const output = bytes.slice();
  const floating = storages.filter(({ dtype, byteLength }) => isFloating(dtype) && byteLength > 0);
  if (floating.length === 0) return output;
  for (let n = 1 + random.below(2); n > 0; n--) {
    const { at, byteLength, dtype } = random.pick(floating);
    const width = WIDTH[dtype]!;
    for (let values = 1 + random.below(3); values > 0; values--) {
      setField(output, at + width * random.below(byteLength / width), width, random.pick(NON_FINITE[dtype]!));
    }
    fixChecksum(output, at, byteLength);
  }
  return output;
}

/** The checksum of the zip entry whose data start at `at`; files without such an entry stay as they are. */
function fixChecksum(bytes: Uint8Array, at: number, length: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const sum = BigInt(crc32(bytes.subarray(at, at + length), 0));
  for (let entry = 0; entry + 46 <= bytes.length; entry++) {
    if (view.getUint32(entry, true) !== 0x02014b50) continue;
    const local = view.getUint32(entry + 42, true);
    if (local + 30 > bytes.length || view.getUint32(local, true) !== 0x04034b50) continue;
    if (local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true) !== at) continue;
    setField(bytes, entry + 16, 4, sum);
    setField(bytes, local + 14, 4, sum);
  }
}
