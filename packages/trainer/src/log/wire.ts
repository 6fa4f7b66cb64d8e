// Protocol buffers' wire format, as much of it as event files need. A field is its number and a value.

/** Encoded fields of a message. */
export type Message = Uint8Array;

/** A message of these fields. */
export function message(...fields: readonly Uint8Array[]): Message {
  const bytes = new Uint8Array(fields.reduce((length, field) => length + field.length, 0));
  let at = 0;
  for (const field of fields) {
    bytes.set(field, at);
    at += field.length;
  }
  return bytes;
}

/** int32, int64 or enum, from 0 on. */
export function whole(field: number, value: number): Uint8Array {
  if (!Number.isSafeInteger(value) || value < 0) throw new Error(`wire: field ${field} is ${value}, wanted from 0 on`);
  return Uint8Array.of(...varint(field << 3), ...varint(value));
}

/** float32. */
export function float(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setFloat32(0, value, true);
  return message(Uint8Array.from(varint((field << 3) | 5)), bytes);
}

/** float64. */
export function double(field: number, value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setFloat64(0, value, true);
  return message(Uint8Array.from(varint((field << 3) | 1)), bytes);
}

/** Bytes, text, or a message inside a message. */
export function block(field: number, value: Uint8Array | string): Uint8Array {
  const bytes = typeof value === 'string' ? new TextEncoder().encode(value) : value;
  return message(Uint8Array.of(...varint((field << 3) | 2), ...varint(bytes.length)), bytes);
}

/** Seven bits a byte, the lowest first; arithmetic, since shifts end at 32 bits. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) + 0x80);
    rest = Math.floor(rest / 0x80);
  }
  return [...bytes, rest];
}
