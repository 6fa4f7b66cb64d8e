import { describe, expect, it } from 'vitest';
import { BufferSink } from './byte-sink.js';
import { bytesSource } from './byte-source.js';
import { CheckpointError } from './checkpoint-error.js';
import { DTYPES, dtypeBytes } from './dtype.js';
import { openCheckpoint } from './open-checkpoint.js';
import { TensorToWrite } from './tensor-to-write.js';
import { writeSafetensors } from './write-safetensors.js';

const pattern = (length: number) => Uint8Array.from({ length }, (_, i) => (i * 7) & 255);

/** A file of this header text and so many bytes of data. */
function file(header: string | object, data = 16): Uint8Array {
  const text = new TextEncoder().encode(typeof header === 'string' ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + text.length + data);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(text.length), true);
  bytes.set(text, 8);
  return bytes;
}

const open = (bytes: Uint8Array) => openCheckpoint(bytesSource('x.safetensors', bytes));
const entry = (begin: number, end: number, shape: unknown = [(end - begin) / 4], dtype = 'F32') => ({
  dtype,
  shape,
  data_offsets: [begin, end],
});

describe('safetensors', () => {
  it('comes back as written: every type, scalar and empty tensors, metadata, keys that look like numbers', async () => {
    const tensors = new Map(
      DTYPES.map((dtype) => [
        `t.${dtype}`,
        new TensorToWrite(dtype, [2, 3], async () => pattern(6 * dtypeBytes(dtype))),
      ]),
    );
    tensors.set('7', new TensorToWrite('float32', [], async () => pattern(4)));
    tensors.set('ü "quoted"', new TensorToWrite('float32', [0, 4], async () => pattern(0)));
    const sink = new BufferSink();
    await writeSafetensors(sink, tensors, { format: 'pt' });
    const checkpoint = await open(sink.bytes());
    expect(checkpoint.metadata).toEqual(new Map([['format', 'pt']]));
    expect(new Set(checkpoint.tensors.keys())).toEqual(new Set(tensors.keys()));
    for (const [key, { dtype, shape, byteLength }] of tensors) {
      expect(checkpoint.tensor(key)).toMatchObject({ dtype, shape });
      expect(await checkpoint.readBytes(key)).toEqual(pattern(byteLength));
      // Aligned to its elements, so that other readers can map it.
      expect((await checkpoint.tensor(key).storage.locate()) % dtypeBytes(dtype)).toBe(0);
    }
  });

  it('refuses to write what the format cannot hold', async () => {
    const one = new TensorToWrite('float32', [1], async () => pattern(4));
    await expect(writeSafetensors(new BufferSink(), new Map([['__metadata__', one]]))).rejects.toThrow(/__metadata__/);
    const wrong = new TensorToWrite('float32', [2], async () => pattern(4));
    await expect(writeSafetensors(new BufferSink(), new Map([['w', wrong]]))).rejects.toThrow(/'w': 8 bytes .* got 4/);
  });

  it.each<[string, Uint8Array, RegExp]>([
    ['overlapping tensors', file({ a: entry(0, 8), b: entry(4, 16) }), /'b': its bytes 4 to 16 overlap/],
    ['the same bytes twice', file({ a: entry(0, 16), b: entry(0, 16) }), /overlap/],
    ['a gap', file({ a: entry(0, 4), b: entry(8, 16) }), /'b': 4 bytes before it belong to no tensor/],
    ['bytes behind the last tensor', file({ a: entry(0, 8) }), /8 bytes at the end/],
    ['offsets beyond the file', file({ a: entry(0, 1000) }), /'a': its bytes 0 to 1000 leave the data, which has 16/],
    ['offsets in reverse', file({ a: entry(16, 0, [4]) }), /leave the data/],
    ['a negative size', file({ a: entry(0, 16, [-4]) }), /header entry is not/],
    ['a size that is no number', file({ a: entry(0, 16, ['4']) }), /header entry is not/],
    ['a fractional offset', file({ a: { dtype: 'F32', shape: [4], data_offsets: [0.5, 16] } }), /header entry is not/],
    ['sizes whose product overflows', file({ a: entry(0, 16, [2 ** 40, 2 ** 40, 0.25]) }), /header entry is not/],
    ['shape and bytes that differ', file({ a: entry(0, 16, [5]) }), /'a': \[5\] of F32 in 16 bytes/],
    ['an unknown type', file({ a: entry(0, 16, [4], 'F8_E4M3') }), /'a': element type F8_E4M3 is not supported/],
    ['an entry that is no object', file({ a: 5 }), /'a': its header entry is not/],
    ['a field too many', file({ a: { ...entry(0, 16), extra: 1 } }), /header entry is not/],
    [
      'a key twice',
      file(`{"a":${JSON.stringify(entry(0, 8))},"a":${JSON.stringify(entry(8, 16))}}`),
      /'a' occurs twice/,
    ],
    ['broken JSON', file('{"a":'), /header is not valid/],
    ['JSON of another kind', file('{}  []'), /header is not valid/],
    ['a header that is not UTF-8', file('{"\u0000"', 0).fill(0xff, 9), /not UTF-8/],
    ['metadata that is no text', file({ __metadata__: { a: 1 }, a: entry(0, 16) }), /something other than text/],
    ['no tensors', file({}, 0), /no tensors/],
    ['a rank of 100', file({ a: entry(0, 16, [4, ...Array<number>(100).fill(1)]) }), /101 axes/],
  ])('refuses %s', async (_, bytes, problem) => {
    await expect(open(bytes)).rejects.toThrow(problem);
    await expect(open(bytes)).rejects.toBeInstanceOf(CheckpointError);
  });

  it('refuses a header longer than the file before taking memory for it', async () => {
    const bytes = file({ a: entry(0, 16) });
    new DataView(bytes.buffer).setBigUint64(0, 90_000_000n, true);
    await expect(open(bytes)).rejects.toThrow(/needs bytes 8 to 90000008, the file has/);
    new DataView(bytes.buffer).setBigUint64(0, 2n ** 40n, true);
    await expect(open(bytes)).rejects.toBeInstanceOf(CheckpointError);
  });

  it('refuses every truncation of a sound file', async () => {
    const sink = new BufferSink();
    await writeSafetensors(sink, new Map([['w', new TensorToWrite('float32', [4], async () => pattern(16))]]));
    const whole = sink.bytes();
    for (let length = 0; length < whole.length; length++) {
      await expect(open(whole.subarray(0, length))).rejects.toBeInstanceOf(CheckpointError);
    }
  });
});
