import * as tf from '@tensorflow/tfjs-core';

/**
 * Mean of every loss over parts of a batch.
 * @param parts scalars by name, of equally many images each; all name the same ones
 * @returns that of a single part as it is
 */
export function meanOfParts<Losses extends { readonly [Name in keyof Losses]: tf.Scalar | undefined }>(
  parts: readonly Losses[],
): Losses {
  const first = parts[0]!;
  if (parts.length === 1) return first;
  const names = (Object.keys(first) as (keyof Losses)[]).filter((name) => first[name] !== undefined);
  const mean = (name: keyof Losses): tf.Scalar => tf.div(tf.addN(parts.map((losses) => losses[name]!)), parts.length);
  return Object.fromEntries(names.map((name) => [name, mean(name)])) as Losses;
}
