import * as tf from '@tensorflow/tfjs-core';
import { useEngine } from '../../src/index.js';

/** The engine on the CPU, without tfjs's greeting. */
export async function startEngine(): Promise<void> {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
}

/** The values of a tensor as plain numbers. */
export const valuesOf = (tensor: tf.Tensor): number[] => Array.from(tensor.dataSync());

/** Run `fn`, and return what it throws. @throws Error if it throws nothing */
export function thrownBy(fn: () => unknown): Error {
  try {
    fn();
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}
