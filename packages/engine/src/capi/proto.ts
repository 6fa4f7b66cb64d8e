/** The little of Protocol Buffers' wire format that TensorFlow's C API asks for: building configs, reading op definitions. */

/** A base-128 varint. */
export function varint(value: number | bigint): number[] {
  const bytes: number[] = [];
  let rest = BigInt(value);
  do {
    const low = Number(rest & 0x7fn);
    rest >>= 7n;
    bytes.push(rest === 0n ? low : low | 0x80);
  } while (rest !== 0n);
  return bytes;
}

/** An integer, bool or enum field. */
export function varintField(field: number, value: number | bigint | boolean): number[] {
  return [...varint(field << 3), ...varint(BigInt(value))];
}

/** A nested message, string or bytes field. */
export function bytesField(field: number, bytes: readonly number[] | string): number[] {
  const body = typeof bytes === 'string' ? [...new TextEncoder().encode(bytes)] : bytes;
  return [...varint((field << 3) | 2), ...varint(body.length), ...body];
}

/** The fields of one message in file order: number with either an integer or the bytes of a string or message. */
export function* fieldsOf(bytes: Uint8Array): Generator<readonly [field: number, value: number | Uint8Array]> {
  let at = 0;
  const next = (): number => {
    let value = 0n;
    for (let shift = 0n; ; shift += 7n) {
      const byte = bytes[at++];
      if (byte === undefined) throw new Error('proto: message ends inside a varint');
      value |= BigInt(byte & 0x7f) << shift;
      if (byte < 0x80) return Number(value);
    }
  };
  while (at < bytes.length) {
    const tag = next();
    const wire = tag & 7;
    const field = tag >>> 3;
    if (wire === 0) yield [field, next()];
    else if (wire === 2) {
      const length = next();
      yield [field, bytes.subarray(at, at + length)];
      at += length;
    } else if (wire === 1 || wire === 5) {
      const size = wire === 1 ? 8 : 4;
      yield [field, bytes.subarray(at, at + size)];
      at += size;
    } else throw new Error(`proto: wire type ${wire} of field ${field} is not one in use`);
  }
}
