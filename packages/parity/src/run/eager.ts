import * as tf from '@tensorflow/tfjs-core';
import type { CaseContext } from '../kinds/kind.js';

/** Run a function at once, op by op, and free every tensor it made that is not in its result. */
export const eager: CaseContext['call'] =
  (fn) =>
  (...args) => {
    const engine = tf.engine();
    engine.startScope();
    const kept: tf.Tensor[] = [];
    try {
      const result = fn(...args);
      collectTensors(result, kept);
      return result;
    } finally {
      engine.endScope(kept);
    }
  };

/** tfjs's own walk does not look into a Map, which sets of weights are. */
function collectTensors(value: unknown, found: tf.Tensor[]): void {
  if (value instanceof tf.Tensor) found.push(value);
  else if (value instanceof Map) for (const item of value.values()) collectTensors(item, found);
  else if (Array.isArray(value)) for (const item of value) collectTensors(item, found);
  else if (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype) {
    for (const item of Object.values(value)) collectTensors(item, found);
  }
}
