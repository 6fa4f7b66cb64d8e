import * as tf from '@tensorflow/tfjs-core';
import type { SlotTable } from './slots.js';

/** Bytes that tensors take: what tfjs counts, less what narrow ones save, and what functions keep of weights besides. */
export const heldBytes = ({ savedBytes, packedBytes }: SlotTable): number =>
  tf.engine().state.numBytes - savedBytes + packedBytes;
