import * as tf from '@tensorflow/tfjs-core';
import type { Logs } from '../steps/train-state.js';

/** Fetch logged scalars, all at once, and free them. */
export async function readLogs(logs: Logs): Promise<Record<string, number>> {
  const scalars = Object.values(logs);
  const all = tf.tidy(() => tf.stack(scalars.map((scalar) => tf.cast(scalar, 'float32'))));
  tf.dispose(scalars);
  const values = await all.data();
  all.dispose();
  return Object.fromEntries(Object.keys(logs).map((name, i) => [name, values[i]!]));
}

/** Names of the values that are not finite. */
export const nonFinite = (values: Readonly<Record<string, number>>): string[] =>
  Object.keys(values).filter((name) => !Number.isFinite(values[name]));
