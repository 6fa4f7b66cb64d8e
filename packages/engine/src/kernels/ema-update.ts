import * as tf from '@tensorflow/tfjs-core';
import { defineKernel, FLOAT } from './ops.js';
import { inPlace } from './state.js';

/** shadow' = shadow - rate (shadow - value); in place inside a step that owns its state. */
export const emaUpdate = defineKernel<Record<'shadow' | 'value' | 'rate', tf.Tensor>>(
  'EmaUpdate',
  ({ shadow, value, rate }) => {
    const move = () => tf.mul(tf.sub(shadow, value), rate);
    const place = inPlace([shadow]);
    if (place === null) return [tf.sub(shadow, move())];
    const { trace, variables, output, read, inTurn } = place;
    inTurn(() => {
      trace.update('AssignSubVariableOp', [{ ...FLOAT, name: 'dtype' }], [variables[0]!, output(move())]);
    });
    return [read(variables[0]!)];
  },
);
