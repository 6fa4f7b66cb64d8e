import { edgeNumber, join, mutateBytes, setField } from './mutate-bytes.js';
import type { FuzzRandom } from './random.js';

const text = (value: string) => Uint8Array.from(value, (char) => char.charCodeAt(0));

/** Every instruction there is, and some that are none. */
const OPCODES = '(.012FIJKLMNPQRSTUVXabcdeghijlopqrstu]}\x80\x81\x82\x83\x84\x85\x86\x87\x88\x89\x8a\x8b)'
  .split('')
  .map((char) => char.charCodeAt(0))
  .concat([0x42, 0x43, 0x47, 0x8c, 0x8d, 0x8e, 0x8f, 0x90, 0x91, 0x92, 0x93, 0x94, 0x95, 0x96, 0x97, 0x98, 0xff]);

/** Instruction sequences that attack a reader: calls of dangerous names, nesting, self-reference, growth, huge counts. */
const ATTACKS: readonly Uint8Array[] = [
  text('cos\nsystem\n(S"true"\ntR'),
  text('c__builtin__\neval\n(S"1"\ntR'),
  text('cbuiltins\ngetattr\n'),
  text('ccollections\nOrderedDict\n)R'),
  text('ctorch\nFloatStorage\n'),
  text('ctorch._utils\n_rebuild_tensor_v2\n(NNNNtR'),
  text('cnumpy.core.multiarray\nscalar\n(NNtR'),
  text('(ios\nsystem\n'),
  text('(((((((((((((((('),
  text(']q\x01h\x01ah\x01a'), // a list that contains itself
  text('}q\x01X\x01\x00\x00\x00ah\x01s'), // a dictionary that contains itself
  text('(]2a2a2a2a2a2al'),
  text('\x8b\xff\xff\xff\x7f'),
  text('X\xff\xff\xff\xff'),
  text('\x8d\xff\xff\xff\xff\xff\xff\xff\x7f'),
  text('\x96\xff\xff\xff\xff\x00\x00\x00\x00'),
  text('r\xff\xff\xff\xff'),
  text('j\xff\xff\xff\xff'),
  text('\x8a\xff'),
  text('L99999999999999999999999999999999999L\n'),
  text('Fnan\n'),
  text('\x82\x01'),
  text('(K\x01K\x02tQ'),
  text('(X\x07\x00\x00\x00storagectorch\nFloatStorage\nX\x01\x00\x00\x000X\x03\x00\x00\x00cpuJ\xff\xff\xff\x7ftQ'),
];

/** One change that knows pickle: instructions exchanged, inserted, operands at their edges. */
export function mutatePickle(input: Uint8Array, random: FuzzRandom): Uint8Array {
  const bytes = input.slice();
  const at = random.below(bytes.length + 1);
  switch (random.below(7)) {
    case 0: {
      // Small integers are sizes, strides, offsets and element counts.
      const places = [...bytes.keys()].filter((i) => bytes[i] === 0x4b || bytes[i] === 0x4d || bytes[i] === 0x4a);
      if (places.length === 0) return bytes;
      const place = random.pick(places);
      setField(bytes, place + 1, { 75: 1, 77: 2 }[bytes[place]!] ?? 4, edgeNumber(random, bytes.length));
      return bytes;
    }
    case 1: {
      const places = [...bytes.keys()].filter((i) => bytes[i] === 0x4b);
      if (places.length === 0) return bytes;
      // The same, but wider: four bytes instead of one.
      const place = random.pick(places);
      const wide = new Uint8Array(5);
      wide[0] = 0x4a;
      setField(wide, 1, 4, edgeNumber(random, bytes.length));
      return join(bytes.subarray(0, place), wide, bytes.subarray(place + 2));
    }
    case 2:
      if (at < bytes.length) bytes[at] = random.pick(OPCODES);
      return bytes;
    case 3: {
      const run = Uint8Array.from({ length: 1 + random.below(6) }, () => random.pick(OPCODES));
      return join(bytes.subarray(0, at), run, bytes.subarray(at));
    }
    case 4:
      return join(bytes.subarray(0, at), random.pick(ATTACKS), bytes.subarray(at));
    case 5: {
      // Put a whole part elsewhere: valid instructions in an order nobody meant.
      const from = random.below(bytes.length);
      const part = bytes.subarray(from, from + 1 + random.below(64));
      return join(bytes.subarray(0, at), part, bytes.subarray(at));
    }
    default:
      return mutateBytes(bytes, random);
  }
}
