import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';
import { boolAttr, defineKernel, FLOAT } from './ops.js';
import { inPlace } from './state.js';

type Inputs = Record<'param' | 'm' | 'v' | 'grad' | 'lr' | 'epsilon' | 'decay', tf.Tensor>;

/**
 * One parameter's Adam step:
 *   m' = m + (1 - beta1)(grad - m);  v' = beta2 v + (1 - beta2) grad^2;
 *   param' = (1 - decay) param - lr m' / (sqrt(v') + epsilon)
 * Inside a step that owns its state, TensorFlow's ResourceApplyAdam does it in one pass and in place. The bias corrections
 * are already in lr and epsilon, hence its beta powers are zero.
 */
export const adamUpdate = defineKernel<Inputs, { beta1: number; beta2: number }>(
  'AdamUpdate',
  ({ param, m, v, grad, lr, epsilon, decay }, { beta1, beta2 }) => {
    const place = inPlace([param, m, v]);
    if (place === null) {
      const m2 = tf.add(m, tf.mul(tf.sub(grad, m), 1 - beta1));
      const v2 = tf.add(tf.mul(v, beta2), tf.mul(tf.square(grad), 1 - beta2));
      const move = tf.div(tf.mul(m2, lr), tf.add(tf.sqrt(v2), epsilon));
      return [tf.sub(decayed(param, decay), move), m2, v2];
    }
    const { trace, variables, output, read, onceThere } = place;
    const [iParam, iM, iV] = variables as [number, number, number];
    onceThere(grad, () => {
      if (!isZero(decay)) {
        trace.update('AssignVariableOp', [{ ...FLOAT, name: 'dtype' }], [iParam, output(decayed(param, decay))]);
      }
      const scalars = [0, 0].map((power) => output(tf.scalar(power)));
      const rates = [lr, tf.scalar(beta1), tf.scalar(beta2), epsilon].map(output);
      const attributes = [FLOAT, boolAttr('use_locking', false), boolAttr('use_nesterov', false)];
      trace.update('ResourceApplyAdam', attributes, [iParam, iM, iV, ...scalars, ...rates, output(grad)]);
    });
    return variables.map(read);
  },
);

/** (1 - decay) param, in one pass over the parameter. */
const decayed = (param: tf.Tensor, decay: tf.Tensor): tf.Tensor =>
  isZero(decay) ? param : tf.mul(param, tf.sub(1, decay));

/** Whether a scalar is known to be zero before anything runs. */
function isZero(scalar: tf.TensorInfo): boolean {
  const { values } = currentEngine().backend.tensorMap.get(scalar.dataId);
  return values !== null && (values as Float32Array)[0] === 0;
}
