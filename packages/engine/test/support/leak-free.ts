import * as tf from '@tensorflow/tfjs-core';
import { afterEach, beforeAll, beforeEach, expect } from 'vitest';
import { startEngine } from './start-engine.js';

/**
 * Set up a file of tests on the engine: each runs in a scope of its own, so it need not dispose of what it makes, and fails
 * if a tensor is left that no scope owns.
 */
export function testWithoutLeaks(): void {
  let held = 0;
  beforeAll(startEngine);
  beforeEach(() => {
    held = tf.memory().numTensors;
    tf.engine().startScope();
  });
  afterEach(() => {
    tf.engine().endScope();
    expect(tf.memory().numTensors).toBe(held);
  });
}
