import * as tf from '@tensorflow/tfjs-core';
import type { TensorBinding } from './binding.js';

const ADVICE =
  "Return the new value and assign it outside, or make it part of the step's state (option 'state'); tfjs's own optimizers assign variables, ldm-core's return new ones.";

/**
 * Refuse to make or change variables while a function is traced: the change would happen once, at the trace, and with a
 * value that does not exist. It is refused before anything has happened, so the variable keeps its value.
 */
export function guardVariables(binding: TensorBinding): void {
  const { prototype } = tf.Variable;
  const { assign } = prototype;
  prototype.assign = function (this: tf.Variable, value: tf.Tensor): void {
    if (binding.trace !== null)
      throw binding.trace.refuse(
        'tf.Variable.assign',
        `changes the variable '${this.name}', which a compiled function cannot do`,
        ADVICE,
      );
    assign.call(this, value);
  } as typeof assign;
  const engine = tf.engine();
  const make = engine.makeVariable.bind(engine);
  engine.makeVariable = (...args) => {
    if (binding.trace !== null)
      throw binding.trace.refuse('tf.variable', 'makes a variable, which a compiled function cannot do', ADVICE);
    return make(...args);
  };
}
