import { edgeNumber, join, setField } from './mutate-bytes.js';
import type { FuzzRandom } from './random.js';

/** Storage classes by their prefix; the last ones do not exist or hold what is not read. */
const TYPES = ['Double', 'Float', 'Half', 'BFloat16', 'Long', 'Int', 'Short', 'Char', 'Byte', 'Bool'].concat([
  'Untyped',
  'ComplexFloat',
  'QInt8',
  'Typed',
  'X',
]);

const latin1 = (bytes: Uint8Array) => Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
const bytesOf = (text: string) => Uint8Array.from(text, (char) => char.charCodeAt(0));

/** In a pickle that stays well-formed: another element type, number of elements or key of a storage. */
export function mutateTags(pickle: Uint8Array, random: FuzzRandom): Uint8Array {
  const text = latin1(pickle);
  switch (random.below(4)) {
    case 0: {
      // `c<module>\n<class>\n`: names of any length.
      const tags = [...text.matchAll(/ctorch\n(\w+)Storage\n/g)];
      if (tags.length === 0) return sameLength(text, random);
      const tag = random.pick(tags);
      const by = `ctorch\n${random.pick(TYPES)}Storage\n`;
      return bytesOf(text.slice(0, tag.index) + by + text.slice(tag.index + tag[0].length));
    }
    case 1:
      return sameLength(text, random);
    case 2: {
      // `X<length><digits>`: a storage's key for another one's, in the tensors or in the list at the end.
      const keys = [...text.matchAll(/X[\s\S]\0\0\0(\d+)/g)];
      if (keys.length === 0) return pickle;
      const [key, other] = [random.pick(keys), random.pick(keys)];
      const size = new Uint8Array(5);
      size[0] = 0x58;
      setField(size, 1, 4, BigInt(other[1]!.length));
      const end = key.index + key[0].length;
      return join(pickle.subarray(0, key.index), size, bytesOf(other[1]!), pickle.subarray(end));
    }
    default: {
      // `K<n>` just before the tuple of a persistent id ends: the number of elements.
      const counts = [...text.matchAll(/K[\s\S](?=[Nt])/g)];
      if (counts.length === 0) return pickle;
      const at = random.pick(counts).index;
      const wide = new Uint8Array(5);
      wide[0] = 0x4a;
      const near = BigInt(Math.max(0, pickle[at + 1]! + random.below(5) - 2));
      setField(wide, 1, 4, random.oneIn(2) ? near : edgeNumber(random, pickle.length));
      return join(pickle.subarray(0, at), wide, pickle.subarray(at + 2));
    }
  }
}

/** Later protocols give a name its length: exchange only names of one length. */
function sameLength(text: string, random: FuzzRandom): Uint8Array {
  const tags = [...text.matchAll(/([A-Z]\w+)Storage/g)];
  if (tags.length === 0) return bytesOf(text);
  const tag = random.pick(tags);
  const fitting = TYPES.filter((type) => type.length === tag[1]!.length);
  const by = fitting.length === 0 ? tag[1]! : random.pick(fitting);
  return bytesOf(text.slice(0, tag.index) + by + text.slice(tag.index + by.length));
}
