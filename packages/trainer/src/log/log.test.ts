import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { crc32c, maskedCrc32c } from './crc32c.js';
import { openEventFile } from './event-file.js';
import { openJsonLines, readLogLines } from './json-lines.js';
import { joinSinks } from './log-sink.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'log-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

const ascii = (text: string) => new TextEncoder().encode(text);

it('crc32c has the published check values', () => {
  expect(crc32c(ascii('123456789'))).toBe(0xe3069283);
  expect(crc32c(new Uint8Array(32))).toBe(0x8a9136aa);
  expect(crc32c(new Uint8Array(32).fill(0xff))).toBe(0x62a8ab43);
  expect(crc32c(Uint8Array.from({ length: 32 }, (_, i) => i))).toBe(0x46dd794e);
});

/** A reader of its own: records by the framing, fields by the wire format. */
function records(bytes: Buffer): Buffer[] {
  const found: Buffer[] = [];
  for (let at = 0; at < bytes.length; ) {
    const length = Number(bytes.readBigUInt64LE(at));
    expect(bytes.readUInt32LE(at + 8)).toBe(maskedCrc32c(bytes.subarray(at, at + 8)));
    const data = bytes.subarray(at + 12, at + 12 + length);
    expect(bytes.readUInt32LE(at + 12 + length)).toBe(maskedCrc32c(data));
    found.push(data);
    at += length + 16;
  }
  return found;
}

type Fields = Map<number, (number | Buffer)[]>;

function fieldsOf(bytes: Buffer): Fields {
  const fields: Fields = new Map();
  let at = 0;
  const varint = (): number => {
    let [value, factor] = [0, 1];
    for (;;) {
      const byte = bytes[at++]!;
      value += (byte & 0x7f) * factor;
      if (byte < 0x80) return value;
      factor *= 128;
    }
  };
  const take = (length: number): Buffer => {
    at += length;
    return bytes.subarray(at - length, at);
  };
  while (at < bytes.length) {
    const tag = varint();
    const [field, type] = [tag >> 3, tag & 7];
    let value: number | Buffer;
    if (type === 0) value = varint();
    else if (type === 1) value = take(8).readDoubleLE();
    else if (type === 5) value = take(4).readFloatLE();
    else value = take(varint());
    fields.set(field, [...(fields.get(field) ?? []), value]);
  }
  return fields;
}

const only = (fields: Fields, field: number) => fields.get(field)![0]!;
const inner = (fields: Fields, field: number) => fieldsOf(only(fields, field) as Buffer);
const textOf = (fields: Fields, field: number) => String(only(fields, field));

describe('event files', () => {
  it('hold version, start, scalars, pictures and texts, each under its checksum', async () => {
    const log = await openEventFile(folder, { step: 7, now: () => 1700000000.5 });
    await log.scalars(2 ** 40, { 'train/loss': 0.25, lr: Number.NaN });
    await log.image(3, 'train/samples', { width: 300, height: 2, png: Uint8Array.of(1, 2, 3) });
    await log.text(3, 'train/conditioning', 'älter');
    await log.close();
    const [name] = readdirSync(folder);
    expect(name).toMatch(/^events\.out\.tfevents\.1700000000\./);
    const [version, start, scalars, image, text, ...more] = records(readFileSync(join(folder, name!))).map(fieldsOf);
    expect(more).toEqual([]);
    expect([only(version!, 1), textOf(version!, 3)]).toEqual([1700000000.5, 'brain.Event:2']);
    expect([only(start!, 2), only(inner(start!, 7), 1)]).toEqual([7, 1]);
    expect(only(scalars!, 2)).toBe(2 ** 40);
    const values = inner(scalars!, 5)
      .get(1)!
      .map((value) => fieldsOf(value as Buffer));
    expect(values.map((value) => [textOf(value, 1), only(value, 2)])).toEqual([
      ['train/loss', 0.25],
      ['lr', Number.NaN],
    ]);
    const picture = inner(inner(image!, 5), 1);
    expect(textOf(picture, 1)).toBe('train/samples');
    const pixels = inner(picture, 4);
    expect([only(pixels, 1), only(pixels, 2), only(pixels, 3)]).toEqual([2, 300, 3]);
    expect([...(only(pixels, 4) as Buffer)]).toEqual([1, 2, 3]);
    const words = inner(inner(text!, 5), 1);
    expect(textOf(inner(words, 8), 8)).toBe('älter');
    expect(textOf(inner(inner(words, 9), 1), 1)).toBe('text');
  });
});

describe('lines of JSON', () => {
  it('hold the same, and numbers that JSON cannot hold as text', async () => {
    const path = join(folder, 'a', 'log.jsonl');
    const log = joinSinks([await openJsonLines(path, { step: 0, now: () => 5 })]);
    await log.scalars(0, { loss: 0.1, worst: Number.POSITIVE_INFINITY });
    await log.image(1, 'x', { width: 1, height: 2, png: new Uint8Array(3) });
    await log.text(1, 'caption', 'a\nb');
    await log.close();
    expect(await readLogLines(path)).toEqual([
      { step: 0, time: 5, scalars: { loss: 0.1, worst: 'Infinity' } },
      { step: 1, time: 5, image: 'x', width: 1, height: 2, bytes: 3 },
      { step: 1, time: 5, text: 'caption', value: 'a\nb' },
    ]);
  });

  it('go on from a step: later lines and a cut-off one are dropped', async () => {
    const path = join(folder, 'log.jsonl');
    const line = (step: number) => `{"step":${step},"time":1,"scalars":{}}\n`;
    writeFileSync(path, `${line(0)}${line(1)}${line(2)}{"step":3,"ti`);
    const log = await openJsonLines(path, { step: 2 });
    await log.scalars(2, { loss: 1 });
    await log.close();
    expect((await readLogLines(path)).map(({ step }) => step)).toEqual([0, 1, 2]);
    expect(await readLogLines(join(folder, 'none.jsonl'))).toEqual([]);
  });
});
