import type { CorpusFile, Place } from './corpus.js';
import { edgeNumber, join, mutateBytes, setField } from './mutate-bytes.js';
import { mutatePickle } from './mutate-pickle.js';
import { mutateTags } from './mutate-tags.js';
import type { FuzzRandom } from './random.js';

/** The magic number, protocol and system that every legacy file opens with. */
const PREAMBLE = 137;
/** The element count in front of each storage's bytes. */
const COUNT = 8;

/** Change a legacy file: anywhere, in the pickles it starts with, or in the storages after them. */
export function mutateLegacy(file: CorpusFile, random: FuzzRandom): Uint8Array {
  const { bytes, storages } = file;
  const data = Math.min(...storages.map(({ at }) => at)) - COUNT;
  switch (random.below(5)) {
    case 0:
      return times(bytes, random, mutateBytes);
    case 1: {
      // Keep the preamble most of the time, or little else is reached.
      const start = random.oneIn(8) ? 0 : PREAMBLE;
      return join(bytes.subarray(0, start), times(bytes.subarray(start), random, mutatePickle));
    }
    case 2: {
      // Other element types, other numbers of elements, other keys; the bytes stay.
      const pickles = times(bytes.subarray(PREAMBLE, data), random, mutateTags);
      return join(bytes.subarray(0, PREAMBLE), pickles, bytes.subarray(data));
    }
    default:
      return times(bytes, random, (changed) => mutateStorages(changed, storages, random));
  }
}

/** Storages cut short, exchanged, lengthened, with other counts in front of them. Places are those of the sound file. */
function mutateStorages(bytes: Uint8Array, storages: readonly Place[], random: FuzzRandom): Uint8Array {
  const one = random.pick(storages);
  const [start, end] = [one.at - COUNT, one.at + one.byteLength];
  const other = random.pick(storages);
  const output = bytes.slice();
  switch (random.below(8)) {
    case 0:
      // Truncated: at a border, in a count, in the values.
      return bytes.subarray(0, random.pick([start, one.at, end, start + random.below(end - start + 1)]));
    case 1:
      // The counts of two storages, exchanged.
      copyCount(bytes, other.at, output, one.at);
      copyCount(bytes, one.at, output, other.at);
      return output;
    case 2: {
      const [a, b] = one.at <= other.at ? [one, other] : [other, one];
      const part = ({ at, byteLength }: Place) => bytes.subarray(at - COUNT, at + byteLength);
      if (a.at === b.at) return output;
      return join(
        bytes.subarray(0, a.at - COUNT),
        part(b),
        bytes.subarray(a.at + a.byteLength, b.at - COUNT),
        part(a),
        bytes.subarray(b.at + b.byteLength),
      );
    }
    case 3:
      setField(output, start, COUNT, edgeNumber(random, bytes.length));
      return output;
    case 4:
      // One more or one less than there are.
      setField(output, start, 1, BigInt((bytes[start] ?? 0) + (random.oneIn(2) ? 1 : 255)));
      return output;
    case 5:
      return join(bytes.subarray(0, start), bytes.subarray(end));
    case 6:
      return join(bytes.subarray(0, end), bytes.subarray(start));
    default: {
      const at = one.at + random.below(one.byteLength + 1);
      const gap = 1 + random.below(16);
      return random.oneIn(2)
        ? join(bytes.subarray(0, at), bytes.subarray(at + gap))
        : join(bytes.subarray(0, at), new Uint8Array(gap), bytes.subarray(at));
    }
  }
}

/** The count in front of one storage, put in front of another, as far as the (changed) files reach. */
function copyCount(from: Uint8Array, fromAt: number, to: Uint8Array, toAt: number): void {
  for (let i = -COUNT; i < 0; i++) if (toAt + i < to.length) to[toAt + i] = from[fromAt + i] ?? 0;
}

/** A change made several times over. */
function times(
  bytes: Uint8Array,
  random: FuzzRandom,
  change: (bytes: Uint8Array, random: FuzzRandom) => Uint8Array,
): Uint8Array {
  let changed = bytes;
  for (let n = 1 + random.below(3); n > 0; n--) changed = change(changed, random);
  return changed;
}
