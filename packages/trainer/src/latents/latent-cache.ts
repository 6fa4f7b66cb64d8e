import { createHash } from 'node:crypto';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { hashFile } from '@codiff/ldm-core/node';
import { DataError } from '../data/data-error.js';
import { seededDraws } from '../data/draws.js';
import { FaceDataset, type FaceDatasetOptions, type FaceItem } from '../data/face-dataset.js';
import { TrainError } from '../train-error.js';
import {
  checkShard,
  type LatentField,
  type LatentShard,
  readFromShard,
  removeShard,
  sampleBytes,
  writeShard,
} from './latent-shard.js';

/** What the frozen networks make of samples, float32 in ordinary memory. */
export interface Encoded {
  readonly fields: readonly LatentField[];
  /** Sample by sample, fields in order. */
  readonly values: Float32Array;
}

/** How a cache is filled. */
export interface LatentCacheOptions {
  readonly folder: string;
  readonly dataset: FaceDatasetOptions;
  /** Of the frozen networks: their weights and configuration. */
  readonly fingerprint: string;
  /** Most that the folder may hold, bytes. */
  readonly maxBytes: number;
  /** Another cache of the same folder that is in use too: its files stay. */
  readonly beside?: LatentCache;
  /** Samples encoded at once. */
  readonly batchSize: number;
  readonly encode: (items: readonly FaceItem[]) => Promise<Encoded>;
  readonly onNote: (line: string) => void;
}

/** Samples of a file: few enough that a run that was killed loses little, enough that files stay few. */
const SHARD = 64;
const ENDING = '.latents';

/**
 * What frozen networks make of a data set, kept on disk. Files are named by everything their content follows from (weights
 * of the networks, size, phase, each sample's image, mask and caption), so what has changed is made again and nothing stale
 * is ever read. Every file is checked when the cache is opened; damaged ones are made again.
 */
export class LatentCache {
  private constructor(
    private readonly shards: readonly LatentShard[],
    /** Samples that cannot be read: index -> why. */
    readonly faults: ReadonlyMap<number, string>,
  ) {}

  /**
   * Open a cache and fill what is missing.
   * @throws TrainError for images that training crops at random, and for a data set that is too large; what `encode` throws
   */
  static async open(options: LatentCacheOptions): Promise<LatentCache> {
    const { folder, onNote } = options;
    await mkdir(folder, { recursive: true });
    const dataset = new FaceDataset(options.dataset);
    const wanted = await shardNames(dataset, options);
    const shards: LatentShard[] = [];
    let [made, damaged] = [0, 0];
    let roomChecked = false;
    for (const [index, name] of wanted.entries()) {
      const path = join(folder, name);
      const found = await checkShard(path);
      if (found === 'damaged') damaged++;
      if (found !== null && found !== 'damaged') {
        shards.push(found);
        continue;
      }
      const from = index * SHARD;
      const part = await encodeShard(dataset, from, Math.min(from + SHARD, dataset.length), options);
      if (!roomChecked) await makeRoom(options, new Set(wanted), dataset.length * sampleBytes(part.fields));
      roomChecked = true;
      shards.push(await writeShard(path, part, part.values));
      made += part.faults.length;
    }
    const faults = new Map<number, string>();
    shards.forEach(({ faults: own }, i) => {
      own.forEach((fault, j) => {
        if (fault !== null) faults.set(i * SHARD + j, fault);
      });
    });
    if (damaged > 0) onNote(`cached latents: ${damaged} damaged file(s) made again`);
    onNote(`cached latents: ${dataset.length} samples in ${folder}, ${made} of them encoded now`);
    return new LatentCache(shards, faults);
  }

  /** Its files. */
  get files(): readonly string[] {
    return this.shards.map(({ path }) => path);
  }

  /** Names and shapes of what is cached of a sample. */
  get fields(): readonly LatentField[] {
    return this.shards[0]!.fields;
  }

  /** One sample's values by name. */
  read(index: number): Promise<Record<string, Float32Array>> {
    return readFromShard(this.shards[Math.floor(index / SHARD)]!, index % SHARD);
  }
}

/** File names of all shards, in order. */
async function shardNames(
  dataset: FaceDataset,
  { fingerprint, dataset: options }: LatentCacheOptions,
): Promise<string[]> {
  const { size, phase } = options.preprocessor;
  // What cannot be read has no content of its own; should it be mended, the name changes.
  const hashOf = (path: string | undefined) =>
    path ? hashFile(path).catch(() => 'unreadable') : Promise.resolve(null);
  const names: string[] = [];
  for (let from = 0; from < dataset.length; from += SHARD) {
    const samples = dataset.names.slice(from, from + SHARD).map(async (name) => {
      const { image, mask, sketch } = dataset.filesOf(name);
      return [await hashOf(image), await hashOf(mask), await hashOf(sketch), dataset.captionOf(name) ?? null];
    });
    const content = JSON.stringify({ fingerprint, size, phase, samples: await Promise.all(samples) });
    names.push(`${createHash('sha256').update(content).digest('hex')}${ENDING}`);
  }
  return names;
}

async function encodeShard(
  dataset: FaceDataset,
  from: number,
  to: number,
  { batchSize, encode }: LatentCacheOptions,
): Promise<Pick<LatentShard, 'fields' | 'faults'> & { values: Float32Array }> {
  const faults: (string | null)[] = [];
  const good: FaceItem[] = [];
  for (let index = from; index < to; index++) {
    try {
      // The draws change nothing: images that they would crop are refused.
      good.push(await dataset.item(index, seededDraws(0, 'latents'), { refuseRandomCrop: true }));
      faults.push(null);
    } catch (error) {
      if (!(error instanceof DataError)) throw error;
      faults.push(error.message);
    }
  }
  if (good.length === 0) {
    throw new TrainError(`cached latents: none of samples ${from} to ${to - 1} can be read; the first: ${faults[0]}`);
  }
  const parts: Encoded[] = [];
  for (let i = 0; i < good.length; i += batchSize) parts.push(await encode(good.slice(i, i + batchSize)));
  const { fields } = parts[0]!;
  const each = sampleBytes(fields) / 4;
  const values = new Float32Array(faults.length * each);
  const encoded = parts.flatMap((part) =>
    Array.from({ length: part.values.length / each }, (_, i) => part.values.subarray(i * each, (i + 1) * each)),
  );
  let next = 0;
  faults.forEach((fault, i) => {
    if (fault === null) values.set(encoded[next++]!, i * each);
  });
  return { fields, faults, values };
}

/** Delete files of other runs, oldest first, until all of this one's fit. @throws TrainError if they never will */
async function makeRoom(
  { folder, maxBytes, beside }: LatentCacheOptions,
  wanted: ReadonlySet<string>,
  own: number,
): Promise<void> {
  const gib = (bytes: number): string => (bytes / 2 ** 30).toPrecision(3);
  const kept = new Set(beside?.files.map((path) => basename(path)));
  const keptSizes = await Promise.all((beside?.files ?? []).map(async (path) => (await stat(path)).size));
  const needed = own + keptSizes.reduce((sum, size) => sum + size, 0);
  if (needed > maxBytes) {
    throw new TrainError(
      `data.cache_latents: the latents take ${gib(needed)} GiB, the limit is ${gib(maxBytes)}; raise data.cache_gib, or set data.cache_latents: false`,
    );
  }
  const others = (await readdir(folder)).filter(
    (name) => name.endsWith(ENDING) && !wanted.has(name) && !kept.has(name),
  );
  const files = await Promise.all(
    others.map(async (name) => ({ name, ...sizeAndTime(await stat(join(folder, name))) })),
  );
  let held = files.reduce((sum, { size }) => sum + size, 0);
  for (const { name, size } of files.sort((a, b) => a.time - b.time)) {
    if (held + needed <= maxBytes) return;
    await removeShard(join(folder, name));
    held -= size;
  }
}

const sizeAndTime = ({ size, mtimeMs }: { size: number; mtimeMs: number }) => ({ size, time: mtimeMs });
