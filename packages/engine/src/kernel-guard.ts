import * as tf from '@tensorflow/tfjs-core';
import type { Trace } from './trace.js';

/** Refuse, while a function is traced, operations of tfjs that have no kernel here; tfjs's own error tells no line. */
export function guardKernels(binding: { readonly trace: Pick<Trace, 'refuse'> | null }): void {
  const engine = tf.engine();
  const run = engine.runKernel.bind(engine);
  engine.runKernel = ((kernel, inputs, attrs) => {
    if (binding.trace !== null && tf.getKernel(kernel, engine.backendName) == null)
      throw binding.trace.refuse(
        kernel,
        'has no kernel on this backend',
        'Write it with other tensor operations, or compute it outside on another backend of tfjs and pass the result in.',
      );
    return run(kernel, inputs, attrs);
  }) as typeof run;
}
