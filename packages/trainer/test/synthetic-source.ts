import { Rng } from '@codiff/ldm-core';
import type { BatchSource, HostBatch } from '../src/index.js';
import { tinyBatch } from './tiny-models.js';

/** Batches of random images and conditions, in another order each epoch; not exported. */
export function syntheticSource(length: number): BatchSource {
  return {
    length,
    async *epoch(epoch, from) {
      const order = Rng.of(11).split(epoch).permutation(length);
      const indices = await order.data();
      order.dispose();
      for (let i = from; i < length; i++) yield await hostBatch(indices[i]!);
    },
  };
}

async function hostBatch(index: number): Promise<HostBatch> {
  const entries = Object.entries(tinyBatch(index)).map(async ([key, tensor]) => {
    const values = (await tensor.data()).slice() as Float32Array | Int32Array;
    tensor.dispose();
    return [key, { values, shape: tensor.shape }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}
