import * as tf from '@tensorflow/tfjs-core';

/** Elements (4 MiB) from which a tensor travels alone, and up to which small ones are put together. */
const BUCKET = 2 ** 20;

/**
 * Apply `reduce` to tensors of any sizes in few pieces: small ones of one type are laid end to end, since each piece costs
 * some messages of its own.
 * @param reduce of a tensor, element by element; `place` counts the pieces
 */
export function packed(
  tensors: readonly tf.Tensor[],
  reduce: (tensor: tf.Tensor, place: number) => tf.Tensor,
): tf.Tensor[] {
  return tf.tidy(() => {
    const results: tf.Tensor[] = new Array(tensors.length);
    buckets(tensors).forEach((members, place) => {
      const [first, ...others] = members;
      if (others.length === 0) {
        results[first!] = reduce(tensors[first!]!, place);
        return;
      }
      const sizes = members.map((i) => tensors[i]!.size);
      const joined = tf.concat(members.map((i) => tf.reshape(tensors[i]!, [-1])));
      tf.split(reduce(joined, place), sizes).forEach((part, at) => {
        const index = members[at]!;
        results[index] = tf.reshape(part, tensors[index]!.shape);
      });
    });
    return results;
  });
}

/** Indices of the tensors that travel together. They follow from sizes and types, so every process has the same. */
export function buckets(tensors: readonly { readonly size: number; readonly dtype: string }[]): number[][] {
  const all: number[][] = [];
  const open = new Map<string, { members: number[]; size: number }>();
  tensors.forEach(({ size, dtype }, i) => {
    const bucket = open.get(dtype);
    if (size < BUCKET && bucket !== undefined && bucket.size + size <= BUCKET) {
      bucket.members.push(i);
      bucket.size += size;
      return;
    }
    const members = [i];
    all.push(members);
    if (size < BUCKET) open.set(dtype, { members, size });
  });
  return all;
}
