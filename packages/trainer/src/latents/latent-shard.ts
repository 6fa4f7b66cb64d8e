import { createHash } from 'node:crypto';
import { open, readFile, rm } from 'node:fs/promises';
import { atomicWrite } from '@codiff/ldm-core/node';

/** Name and shape, per sample, of what a shard holds. */
export interface LatentField {
  readonly name: string;
  readonly shape: readonly number[];
}

/** A file of the cache: float32 values of several samples, sample by sample. */
export interface LatentShard {
  readonly path: string;
  readonly fields: readonly LatentField[];
  /** Of each sample, what was wrong with it; null: it is there. */
  readonly faults: readonly (string | null)[];
  /** Where the first sample begins. */
  readonly start: number;
}

const MAGIC = 'codiff-latents-1';
/** Mark, length of the header in bytes; then the header, then the values. */
const FIXED = MAGIC.length + 4;

const elements = ({ shape }: LatentField): number => shape.reduce((product, size) => product * size, 1);
/** Bytes of one sample. */
export const sampleBytes = (fields: readonly LatentField[]): number =>
  4 * fields.reduce((sum, field) => sum + elements(field), 0);

/** Write a shard, all of it or nothing. @param values of all samples, those with a fault as zeros */
export async function writeShard(
  path: string,
  { fields, faults }: Pick<LatentShard, 'fields' | 'faults'>,
  values: Float32Array,
): Promise<LatentShard> {
  const payload = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
  const sha256 = createHash('sha256').update(payload).digest('hex');
  const header = new TextEncoder().encode(JSON.stringify({ fields, faults, sha256 }));
  const head = new Uint8Array(FIXED);
  head.set(new TextEncoder().encode(MAGIC));
  new DataView(head.buffer).setUint32(MAGIC.length, header.length, true);
  await atomicWrite(path, async (sink) => {
    for (const part of [head, header, payload]) await sink.write(part);
  });
  return { path, fields, faults, start: FIXED + header.length };
}

/**
 * Read a shard's header and hold all of its values against their checksum.
 * @returns null if there is no such file; `damaged` if it is not what was written
 */
export async function checkShard(path: string): Promise<LatentShard | 'damaged' | null> {
  let bytes: Buffer;
  try {
    bytes = await readFile(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
  try {
    if (bytes.subarray(0, MAGIC.length).toString() !== MAGIC) return 'damaged';
    const start = FIXED + bytes.readUInt32LE(MAGIC.length);
    const { fields, faults, sha256 } = JSON.parse(bytes.subarray(FIXED, start).toString()) as LatentShard & {
      readonly sha256: string;
    };
    const payload = bytes.subarray(start);
    const whole = payload.length === faults.length * sampleBytes(fields);
    const same = createHash('sha256').update(payload).digest('hex') === sha256;
    return whole && same ? { path, fields, faults, start } : 'damaged';
  } catch {
    return 'damaged';
  }
}

/** The values of one sample, by name. @throws Error if the file has gone or is too short */
export async function readFromShard(shard: LatentShard, index: number): Promise<Record<string, Float32Array>> {
  const { path, fields, start } = shard;
  const size = sampleBytes(fields);
  const values = new Float32Array(size / 4);
  const handle = await open(path, 'r').catch((cause: unknown) => {
    throw new Error(`cached latents: ${path} is gone; go on with --resume, which makes it again`, { cause });
  });
  try {
    const { bytesRead } = await handle.read(new Uint8Array(values.buffer), 0, size, start + index * size);
    if (bytesRead !== size) throw new Error(`cached latents: ${path} ends early; go on with --resume`);
  } finally {
    await handle.close();
  }
  let at = 0;
  return Object.fromEntries(
    fields.map((field) => {
      const from = at;
      at += elements(field);
      return [field.name, values.slice(from, at)];
    }),
  );
}

/** Remove a shard. */
export const removeShard = (path: string): Promise<void> => rm(path, { force: true });
