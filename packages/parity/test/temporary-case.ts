import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FIXTURES } from '../src/data/fixtures.js';

/** A folder of copied fixtures that a test may change. */
export class TemporaryCases {
  readonly folder = mkdtempSync(join(tmpdir(), 'parity-'));

  /** Copy a fixture, under a name of its own, with its `config.yaml` edited. */
  add(fixture: string, name = fixture, edit: (yaml: string) => string = (yaml) => yaml): string {
    const path = join(this.folder, name);
    cpSync(join(FIXTURES, fixture), path, { recursive: true });
    const config = join(path, 'config.yaml');
    const before = readFileSync(config, 'utf8');
    writeFileSync(config, edit(before));
    return path;
  }

  remove(): void {
    rmSync(this.folder, { recursive: true });
  }
}

/** Replace a text that must be there. */
export function replacing(search: string, replacement: string): (text: string) => string {
  return (text) => {
    if (!text.includes(search)) throw new Error(`the fixture has no '${search}'`);
    return text.replace(search, replacement);
  };
}

/** A safetensors file of float64 tensors. */
export function writeTensors(
  path: string,
  tensors: Readonly<Record<string, readonly [shape: number[], values: number[]]>>,
): void {
  const header: Record<string, unknown> = {};
  let end = 0;
  for (const [name, [shape, values]] of Object.entries(tensors)) {
    header[name] = { dtype: 'F64', shape, data_offsets: [end, end + 8 * values.length] };
    end += 8 * values.length;
  }
  const text = Buffer.from(JSON.stringify(header));
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(text.length));
  const data = Float64Array.from(Object.values(tensors).flatMap(([, values]) => values));
  writeFileSync(path, Buffer.concat([size, text, Buffer.from(data.buffer)]));
}
