const machines: Record<string, number> = { x64: 62, arm64: 183 };

/**
 * The parts of a 64-bit ELF library that tell its processor and its run path: a header, one loaded segment that maps
 * the file at address 0x10000, and a dynamic section with a string table.
 */
export function makeElf({ arch = process.arch, runPath = '', needed = ['libc.so.6'] } = {}): Buffer {
  const base = 0x10000;
  const strings = Buffer.from(`\0${[runPath, ...needed].join('\0')}\0`, 'latin1');
  const at = (text: string) => strings.indexOf(`\0${text}\0`, 0, 'latin1') + 1;
  const entries: [number, number][] = [...needed.map((name): [number, number] => [1, at(name)])];
  if (runPath !== '') entries.push([29, at(runPath)]);
  const dynamicAt = 64 + 2 * 56;
  const stringsAt = dynamicAt + (entries.length + 3) * 16;
  entries.push([5, base + stringsAt], [10, strings.length], [0, 0]);
  const size = stringsAt + strings.length;

  const file = Buffer.alloc(stringsAt);
  file.writeUInt32BE(0x7f454c46, 0);
  file[4] = 2;
  file[5] = 1;
  file.writeUInt16LE(3, 16);
  file.writeUInt16LE(machines[arch] ?? 0, 18);
  file.writeBigUInt64LE(64n, 32);
  file.writeUInt16LE(56, 54);
  file.writeUInt16LE(2, 56);
  const segment = (index: number, type: number, offset: number, length: number) => {
    const start = 64 + index * 56;
    file.writeUInt32LE(type, start);
    file.writeBigUInt64LE(BigInt(offset), start + 8);
    file.writeBigUInt64LE(BigInt(base + offset), start + 16);
    file.writeBigUInt64LE(BigInt(length), start + 32);
  };
  segment(0, 1, 0, size);
  segment(1, 2, dynamicAt, entries.length * 16);
  entries.forEach(([tag, value], i) => {
    file.writeBigInt64LE(BigInt(tag), dynamicAt + i * 16);
    file.writeBigUInt64LE(BigInt(value), dynamicAt + i * 16 + 8);
  });
  return Buffer.concat([file, strings]);
}
