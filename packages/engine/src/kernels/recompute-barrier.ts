import * as tf from '@tensorflow/tfjs-core';
import { AttrKind } from '../capi/attributes.js';
import { currentEngine } from '../engine.js';
import { after } from './in-sequence.js';
import { defineKernel, FLOAT } from './ops.js';

let barriers = 0;

/**
 * Identity on x0 .. x(n-1). In a traced function the copies exist only once dy does, and carry a number of their own, so
 * that Grappler's common-subexpression elimination does not merge what is recomputed from them with the first computation.
 */
export const recomputeBarrier = defineKernel<{ [name: string]: tf.Tensor }>('RecomputeBarrier', ({ dy, ...rest }) => {
  const tensors = Object.keys(rest).map((_, i) => rest[`x${i}`]!);
  const { binding, backend } = currentEngine();
  const { trace } = binding;
  if (trace === null) return tensors.map((tensor) => tf.clone(tensor));
  const mark = { name: '_recompute', type: AttrKind.int, value: ++barriers };
  return after([dy!], () =>
    tensors.map((tensor) => {
      const { output, dtype } = backend.symbolOf(tensor);
      const [copy] = trace.operation('Identity', [{ ...FLOAT, value: dtype }, mark], [output], 1);
      return backend.tensorOf(binding.addSymbol(trace, copy!));
    }),
  );
});
