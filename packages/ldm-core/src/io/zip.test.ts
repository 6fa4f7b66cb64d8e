import { describe, expect, it } from 'vitest';
import type { ByteSink } from './byte-sink.js';
import { BufferSink } from './byte-sink.js';
import { type ByteSource, bytesSource, readBytes } from './byte-source.js';
import { CheckpointError } from './checkpoint-error.js';
import { crc32 } from './crc32.js';
import { readZipDirectory, zipDataOffset } from './zip-reader.js';
import { ZipWriter } from './zip-writer.js';

const text = (value: string) => new TextEncoder().encode(value);

async function archive(files: Readonly<Record<string, Uint8Array>>): Promise<Uint8Array<ArrayBuffer>> {
  const sink = new BufferSink();
  const zip = new ZipWriter(sink);
  for (const [name, bytes] of Object.entries(files)) await zip.add(name, bytes);
  await zip.finish();
  return sink.bytes();
}

const small = () => archive({ 'a/one': text('first'), 'a/two': text('second!'), 'a/empty': new Uint8Array(0) });

/** Keeps what is written as pieces, by reference: files of many gigabytes cost nothing. */
class Pieces implements ByteSink, ByteSource {
  readonly name = 'pieces';
  size = 0;
  private readonly pieces: { start: number; bytes: Uint8Array }[] = [];

  async write(bytes: Uint8Array): Promise<void> {
    this.pieces.push({ start: this.size, bytes });
    this.size += bytes.length;
  }

  async readInto(target: Uint8Array, offset: number): Promise<void> {
    for (const { start, bytes } of this.pieces) {
      const from = Math.max(offset, start);
      const to = Math.min(offset + target.length, start + bytes.length);
      if (from < to) target.set(bytes.subarray(from - start, to - start), from - offset);
    }
  }
}

describe('zip archives', () => {
  it('come back as written, each file at a multiple of 64', async () => {
    const source = bytesSource('x.zip', await small());
    const entries = await readZipDirectory(source);
    expect([...entries.keys()].sort()).toEqual(['a/empty', 'a/one', 'a/two']);
    const two = entries.get('a/two')!;
    const at = await zipDataOffset(source, two);
    expect(at % 64).toBe(0);
    expect(two.crc32).toBe(crc32(text('second!'), 0));
    expect(await readBytes(source, at, two.size, 'two')).toEqual(text('second!'));
  });

  it('are found before a comment', async () => {
    const plain = await small();
    const file = new Uint8Array(plain.length + 5);
    file.set(plain);
    file.set(text('hello'), plain.length);
    new DataView(file.buffer).setUint16(plain.length - 2, 5, true);
    expect((await readZipDirectory(bytesSource('x.zip', file))).size).toBe(3);
  });

  it('use zip64 for files and offsets beyond 4 GiB', async () => {
    const file = new Pieces();
    const huge = new Uint8Array(2 ** 32); // the longest there is; never touched, so it takes no memory
    const zip = new ZipWriter(file, (bytes, crc) => (bytes === huge ? 7 : crc32(bytes, crc)));
    await zip.add('huge', huge);
    await zip.add('after', text('behind four gigabytes'));
    await zip.finish();
    const entries = await readZipDirectory(file);
    expect(entries.get('huge')!.size).toBe(2 ** 32);
    const after = entries.get('after')!;
    expect(after.headerOffset).toBeGreaterThan(2 ** 32);
    const bytes = await readBytes(file, await zipDataOffset(file, after), after.size, 'after');
    expect(new TextDecoder().decode(bytes)).toBe('behind four gigabytes');
  });

  it('hold more than 65 535 files', async () => {
    const sink = new BufferSink();
    const zip = new ZipWriter(sink);
    for (let i = 0; i < 66_000; i++) await zip.add(`f${i}`, new Uint8Array(0));
    await zip.finish();
    expect((await readZipDirectory(bytesSource('x.zip', sink.bytes()))).size).toBe(66_000);
  });
});

/** Offsets of the central entries and the end record of an archive. */
function places(file: Uint8Array): { central: number[]; end: number; view: DataView } {
  const view = new DataView(file.buffer, file.byteOffset);
  const at = (signature: number) =>
    Array.from({ length: file.length - 3 }, (_, i) => i).filter((i) => view.getUint32(i, true) === signature);
  return { central: at(0x02014b50), end: at(0x06054b50).at(-1)!, view };
}

describe('damaged and hostile archives', () => {
  it.each<[string, RegExp, (file: Uint8Array) => void]>([
    [
      'a compressed entry',
      /compressed \(method 8\)/,
      (file) => places(file).view.setUint16(places(file).central[0]! + 10, 8, true),
    ],
    ['an encrypted entry', /encrypted/, (file) => places(file).view.setUint16(places(file).central[0]! + 8, 1, true)],
    ['two sizes', /two sizes/, (file) => places(file).view.setUint32(places(file).central[0]! + 24, 9, true)],
    [
      'entries that overlap',
      /run into what follows/,
      (file) => {
        const { central, view } = places(file);
        view.setUint32(central[0]! + 20, 500, true);
        view.setUint32(central[0]! + 24, 500, true);
      },
    ],
    [
      'two entries over one file',
      /run into what follows/,
      (file) => {
        const { central, view } = places(file);
        view.setUint32(central[1]! + 42, view.getUint32(central[0]! + 42, true), true);
      },
    ],
    [
      'more entries than there is room for',
      /announced/,
      (file) => places(file).view.setUint16(places(file).end + 10, 9999, true),
    ],
    [
      'a list beyond the file',
      /overlaps what follows/,
      (file) => places(file).view.setUint32(places(file).end + 16, 2 ** 31, true),
    ],
    [
      'an entry that is missing',
      /entry 0 .* is missing/,
      (file) => places(file).view.setUint32(places(file).central[0]!, 0, true),
    ],
    [
      'a name beyond the list',
      /cut off/,
      (file) => places(file).view.setUint16(places(file).central[2]! + 28, 60_000, true),
    ],
    [
      'no list',
      /list of files at the end .* missing/,
      (file) => places(file).view.setUint32(places(file).end, 0, true),
    ],
  ])('refuses %s', async (_, problem, damage) => {
    const file = await small();
    damage(file);
    const opened = readZipDirectory(bytesSource('x.zip', file));
    await expect(opened).rejects.toThrow(problem);
    await expect(opened).rejects.toBeInstanceOf(CheckpointError);
  });

  it('refuses a name listed twice', async () => {
    const sink = new BufferSink();
    const zip = new ZipWriter(sink);
    await zip.add('same', text('1'));
    await zip.add('same', text('2'));
    await zip.finish();
    await expect(readZipDirectory(bytesSource('x.zip', sink.bytes()))).rejects.toThrow(/'same'.*twice/);
  });

  it('refuses a file whose own header disagrees with the list', async () => {
    const file = await small();
    const source = bytesSource('x.zip', file);
    const entry = (await readZipDirectory(source)).get('a/one')!;
    file[entry.headerOffset + 30] = 'b'.charCodeAt(0);
    await expect(zipDataOffset(source, entry)).rejects.toThrow(/'b\/one', differ/);
    file[entry.headerOffset] = 0;
    await expect(zipDataOffset(source, entry)).rejects.toThrow(/no file starts/);
  });
});
