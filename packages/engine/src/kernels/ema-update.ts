import * as tf from '@tensorflow/tfjs-core';
import { BACKEND_NAME } from '../backend.js';
import { FLOAT } from './ops.js';
import { inPlace } from './state.js';

/** shadow' = shadow - rate (shadow - value); in place inside a step that owns its state. */
export const emaUpdate: tf.KernelConfig = {
  kernelName: 'EmaUpdate',
  backendName: BACKEND_NAME,
  kernelFunc: ({ inputs }) => {
    const { shadow, value, rate } = inputs as unknown as Record<'shadow' | 'value' | 'rate', tf.Tensor>;
    return tf.tidy(() => {
      const move = () => tf.mul(tf.sub(shadow, value), rate);
      const place = inPlace([shadow]);
      if (place === null) return [tf.sub(shadow, move())];
      const { trace, variables, output, read, inTurn } = place;
      inTurn(() => {
        trace.update('AssignSubVariableOp', [{ ...FLOAT, name: 'dtype' }], [variables[0]!, output(move())]);
      });
      return [read(variables[0]!)];
    });
  },
};
