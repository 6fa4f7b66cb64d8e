import { readFileSync } from 'node:fs';
import { type HostTensor, type HostValues, sizeOf } from './host-tensor.js';

/**
 * Read a whole safetensors file of a case. The product has a reader of its own (ldm-core's); the judge keeps this small
 * one, so that an error over there cannot hide itself by being on both sides of a comparison.
 *
 * @returns name -> tensor, in the file's order
 * @throws Error naming the file and the tensor for anything that is not plain safetensors
 */
export function readSafetensorsFile(path: string): Map<string, HostTensor> {
  const bytes = readFileSync(path);
  const fail = (what: string): never => {
    throw new Error(`${path}: ${what}`);
  };
  if (bytes.length < 8) fail(`not a safetensors file (${bytes.length} bytes)`);
  const headerBytes = Number(bytes.readBigUInt64LE(0));
  const dataStart = 8 + headerBytes;
  if (dataStart > bytes.length) fail(`the header claims ${headerBytes} bytes, the file has ${bytes.length}`);
  const header: unknown = JSON.parse(bytes.toString('utf8', 8, dataStart));
  if (typeof header !== 'object' || header === null) fail('the header is not a JSON object');

  const tensors = new Map<string, HostTensor>();
  for (const [name, entry] of Object.entries(header as Record<string, unknown>)) {
    if (name === '__metadata__') continue;
    const { dtype, shape, begin, end } = parseEntry(entry) ?? fail(`'${name}' has no dtype, shape and data_offsets`);
    const width =
      WIDTHS.get(dtype) ?? fail(`'${name}' has dtype ${dtype}; known here: ${[...WIDTHS.keys()].join(', ')}`);
    const size = sizeOf(shape);
    if (begin < 0 || dataStart + end > bytes.length || end - begin !== size * width) {
      fail(`'${name}' of shape [${shape}] and dtype ${dtype} cannot lie at bytes ${begin}..${end}`);
    }
    tensors.set(name, { shape, values: decode(dtype, bytes.subarray(dataStart + begin, dataStart + end), size) });
  }
  return tensors;
}

/** Bytes of an element, by the format's names. */
const WIDTHS = new Map([
  ['F64', 8],
  ['F32', 4],
  ['F16', 2],
  ['BF16', 2],
  ['I64', 8],
  ['I32', 4],
  ['I16', 2],
  ['I8', 1],
  ['U64', 8],
  ['U32', 4],
  ['U16', 2],
  ['U8', 1],
  ['BOOL', 1],
]);

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
}

function parseEntry(entry: unknown): Entry | undefined {
  if (typeof entry !== 'object' || entry === null) return undefined;
  if (!('dtype' in entry) || !('shape' in entry) || !('data_offsets' in entry)) return undefined;
  const { dtype, shape, data_offsets: offsets } = entry;
  if (typeof dtype !== 'string' || !isCounts(shape) || !isCounts(offsets) || offsets.length !== 2) return undefined;
  return { dtype, shape, begin: offsets[0]!, end: offsets[1]! };
}

function isCounts(value: unknown): value is number[] {
  return Array.isArray(value) && value.every((item) => Number.isSafeInteger(item) && item >= 0);
}

function decode(dtype: string, bytes: Buffer, size: number): HostValues {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  switch (dtype) {
    case 'F64':
      return Float64Array.from({ length: size }, (_, i) => view.getFloat64(8 * i, true));
    case 'I64':
      return Float64Array.from({ length: size }, (_, i) => Number(view.getBigInt64(8 * i, true)));
    case 'U64':
      return Float64Array.from({ length: size }, (_, i) => Number(view.getBigUint64(8 * i, true)));
    case 'U32':
      return Float64Array.from({ length: size }, (_, i) => view.getUint32(4 * i, true));
    case 'I32':
      return Int32Array.from({ length: size }, (_, i) => view.getInt32(4 * i, true));
    case 'I16':
      return Int32Array.from({ length: size }, (_, i) => view.getInt16(2 * i, true));
    case 'U16':
      return Int32Array.from({ length: size }, (_, i) => view.getUint16(2 * i, true));
    case 'I8':
      return Int32Array.from({ length: size }, (_, i) => view.getInt8(i));
    case 'F16':
      return Float32Array.from({ length: size }, (_, i) => halfValue(view.getUint16(2 * i, true)));
    case 'BF16': {
      // The upper half of a float32.
      const bits = Uint32Array.from({ length: size }, (_, i) => view.getUint16(2 * i, true) * 2 ** 16);
      return new Float32Array(bits.buffer);
    }
    case 'U8':
    case 'BOOL':
      return Uint8Array.from(bytes);
    default: {
      // The copy aligns the bytes, which a view into the file's buffer need not be.
      const copy = new Uint8Array(bytes);
      return new Float32Array(copy.buffer, 0, size);
    }
  }
}

/** The number that 16 bits of IEEE 754 half precision stand for: sign, 5 bits of exponent, 10 of fraction. */
function halfValue(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = (bits & 0x3ff) / 1024;
  if (exponent === 0) return sign * fraction * 2 ** -14;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction) * 2 ** (exponent - 15);
}
