import { type EmaState, emaName, Params } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';

/** The part of a model that is averaged, and where its averages lie in a checkpoint. */
const PART = 'model.';
const AVERAGES = 'model_ema.';
const COUNT = `${AVERAGES}num_updates`;

const placeOf = (key: string): string => AVERAGES + emaName(key.slice(PART.length));

/**
 * Take a model's averages out of its weights.
 * @returns null if the weights hold none; else the averages by the key of the weight they average, and the keys taken
 */
export function takeAverages(params: Params, trained: Params): { ema: EmaState; taken: ReadonlySet<string> } | null {
  const numUpdates = params.get(COUNT);
  if (numUpdates === undefined) return null;
  const averaged = [...trained.keys()].filter((key) => key.startsWith(PART));
  const shadow = new Params(averaged.map((key) => [key, params.of({ key: placeOf(key) })]));
  return { ema: { shadow, numUpdates: numUpdates as tf.Scalar }, taken: new Set([COUNT, ...averaged.map(placeOf)]) };
}

/** The averages by the keys a checkpoint stores them under. */
export function storedAverages({ shadow, numUpdates }: EmaState): Params {
  return new Params([
    [COUNT, numUpdates],
    ...[...shadow].map(([key, tensor]): [string, tf.Tensor] => [placeOf(key), tensor]),
  ]);
}
