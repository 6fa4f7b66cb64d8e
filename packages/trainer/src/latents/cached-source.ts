import type { FaceLoader } from '../data/loader/face-loader.js';
import type { BatchSource, HostBatch } from '../loop/batch-source.js';
import { faceSource, type Tokenize } from '../run/face-source.js';
import type { LatentCache } from './latent-cache.js';

/**
 * The batches of a loader that reads no images, with what a cache knows of them in their place.
 * @param loader made with the cache's faults, so that its batches are those of a loader that reads images
 */
export function cachedSource(loader: FaceLoader, cache: LatentCache, tokenize: Tokenize): BatchSource {
  const indices = new Map(loader.dataset.names.map((name, index) => [name, index]));
  return faceSource(loader, tokenize, async (batch, { names }): Promise<HostBatch> => {
    const samples = await Promise.all(names.map((name) => cache.read(indices.get(name)!)));
    const { image: _, ...rest } = batch;
    const cached = cache.fields.map(({ name, shape }) => {
      const size = shape.reduce((product, n) => product * n, 1);
      const values = new Float32Array(names.length * size);
      samples.forEach((sample, i) => void values.set(sample[name]!, i * size));
      return [name, { values, shape: [names.length, ...shape] }] as const;
    });
    return { ...rest, ...Object.fromEntries(cached) };
  });
}
