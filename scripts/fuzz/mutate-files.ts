import { crc32 } from '@codiff/ldm-core';
import { edgeNumber, join, mutateBytes, setField } from './mutate-bytes.js';
import { mutatePickle } from './mutate-pickle.js';
import { mutateTags } from './mutate-tags.js';
import type { FuzzRandom } from './random.js';

/** A change made several times over. */
function repeat(
  bytes: Uint8Array,
  random: FuzzRandom,
  change: (bytes: Uint8Array, random: FuzzRandom) => Uint8Array,
): Uint8Array {
  let changed = bytes;
  for (let n = 1 + random.below(4); n > 0; n--) changed = change(changed, random);
  return changed;
}

/** Offsets of a four-byte signature. */
function find(bytes: Uint8Array, signature: number): number[] {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const places: number[] = [];
  for (let at = 0; at + 4 <= bytes.length; at++) if (view.getUint32(at, true) === signature) places.push(at);
  return places;
}

/** Zip fields as [offset in record, width]: sizes, counts, offsets, flags, methods, checksums. */
const ZIP_FIELDS: readonly (readonly [signature: number, fields: readonly (readonly [number, number])[]])[] = [
  [
    0x04034b50,
    [
      [6, 2],
      [8, 2],
      [14, 4],
      [18, 4],
      [22, 4],
      [26, 2],
      [28, 2],
    ],
  ],
  [
    0x02014b50,
    [
      [8, 2],
      [10, 2],
      [16, 4],
      [20, 4],
      [24, 4],
      [28, 2],
      [30, 2],
      [32, 2],
      [42, 4],
    ],
  ],
  [
    0x06054b50,
    [
      [8, 2],
      [10, 2],
      [12, 4],
      [16, 4],
      [20, 2],
    ],
  ],
  [
    0x06064b50,
    [
      [24, 8],
      [32, 8],
      [40, 8],
      [48, 8],
    ],
  ],
  [0x07064b50, [[8, 8]]],
];

/**
 * Change a zip archive: its bytes, a field of one of its records, or its pickle, whose checksum is then put right, so
 * that the change is not caught at the door.
 */
export function mutateZip(input: Uint8Array, random: FuzzRandom): Uint8Array {
  switch (random.below(4)) {
    case 0:
      return repeat(input, random, mutateBytes);
    case 1:
      return withPickle(input, (pickle) => repeat(pickle, random, mutateTags));
    case 2:
      return repeat(input, random, (bytes) => {
        const changed = bytes.slice();
        const [signature, fields] = random.pick(ZIP_FIELDS);
        const places = find(changed, signature);
        if (places.length === 0) return changed;
        const [offset, width] = random.pick(fields);
        setField(changed, random.pick(places) + offset, width, edgeNumber(random, changed.length));
        return changed;
      });
    default:
      return withPickle(input, (pickle) => repeat(pickle, random, mutatePickle));
  }
}

/** The archive with another pickle: bytes after it move, and every offset, size and checksum follows. */
function withPickle(input: Uint8Array, change: (pickle: Uint8Array) => Uint8Array): Uint8Array {
  const view = new DataView(input.buffer, input.byteOffset, input.byteLength);
  const central = find(input, 0x02014b50);
  const name = (at: number) =>
    new TextDecoder().decode(input.subarray(at + 46, at + 46 + view.getUint16(at + 28, true)));
  const entry = central.find((at) => name(at).endsWith('data.pkl'));
  const [end] = find(input, 0x06054b50).slice(-1);
  if (entry === undefined || end === undefined) return input;
  const local = view.getUint32(entry + 42, true);
  const start = local + 30 + view.getUint16(local + 26, true) + view.getUint16(local + 28, true);
  const size = view.getUint32(entry + 24, true);
  const pickle = change(input.subarray(start, start + size));
  const shift = pickle.length - size;
  const output = join(input.subarray(0, start), pickle, input.subarray(start + size));
  const moved = (at: number) => (at > local ? at + shift : at);
  for (const at of central) {
    const header = view.getUint32(at + 42, true);
    setField(output, moved(at) + 42, 4, BigInt(moved(header)));
  }
  for (const [record, crcAt] of [
    [local, 14],
    [moved(entry), 16],
  ] as const) {
    setField(output, record + crcAt, 4, BigInt(crc32(pickle, 0)));
    setField(output, record + crcAt + 4, 4, BigInt(pickle.length));
    setField(output, record + crcAt + 8, 4, BigInt(pickle.length));
  }
  setField(output, moved(end) + 16, 4, BigInt(moved(view.getUint32(end + 16, true))));
  return output;
}

/** Text that does not belong into a header. */
const SNIPPETS = [
  '"',
  '{',
  '}',
  '[[[[[[[[[[[[',
  ',',
  ':',
  '\\u0000',
  '1e308',
  '-1',
  '1.5',
  'null',
  '"F8_E4M3"',
  '"__proto__":{}',
  '\ud800',
  '9'.repeat(40),
];

/** Change a safetensors file: anywhere, or in its header, whose length is then put right. */
export function mutateSafetensors(input: Uint8Array, random: FuzzRandom): Uint8Array {
  if (random.oneIn(3)) return repeat(input, random, mutateBytes);
  const length = Number(new DataView(input.buffer, input.byteOffset).getBigUint64(0, true));
  let header = new TextDecoder().decode(input.subarray(8, 8 + length));
  for (let n = 1 + random.below(3); n > 0; n--) header = mutateHeader(header, random, input.length);
  const encoded = new TextEncoder().encode(header);
  const size = new Uint8Array(8);
  setField(size, 0, 8, random.oneIn(10) ? edgeNumber(random, input.length) : BigInt(encoded.length));
  return join(size, encoded, input.subarray(8 + length));
}

function mutateHeader(header: string, random: FuzzRandom, size: number): string {
  const places = (pattern: RegExp) => [...header.matchAll(pattern)];
  const replace = (match: RegExpExecArray | undefined, by: string) =>
    match === undefined ? header : header.slice(0, match.index) + by + header.slice(match.index + match[0].length);
  const at = random.below(header.length + 1);
  switch (random.below(5)) {
    case 0:
    case 1: {
      const numbers = places(/\d+/g);
      return numbers.length === 0 ? header : replace(random.pick(numbers), String(edgeNumber(random, size)));
    }
    case 2: {
      const strings = places(/"[^"]*"/g);
      if (strings.length === 0) return header;
      return replace(random.pick(strings), random.pick(strings)[0]);
    }
    case 3:
      return header.slice(0, at) + random.pick(SNIPPETS) + header.slice(at);
    default:
      return header.slice(0, at) + header.slice(at + 1 + random.below(8));
  }
}
