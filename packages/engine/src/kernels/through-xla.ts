import * as tf from '@tensorflow/tfjs-core';
import { currentEngine } from '../engine.js';
import type { Runtime } from '../runtime.js';
import { type InnerFunction, Trace } from '../trace.js';

/** Functions by what they compute and the shapes of their arguments. */
const functions = new WeakMap<Runtime, Map<string, InnerFunction>>();

/**
 * Compute `build` of the inputs, of which XLA makes one piece of machine code: what would be many passes over memory is one or
 * two. Only while a function is traced. Compiling takes 0.1 s and more at the first call, once for each `key` and shapes of inputs
 * in a process, so `key` has to name all else that the result depends on.
 * @param inputs float32
 */
export function throughXla(
  key: string,
  inputs: readonly tf.Tensor[],
  build: (inputs: readonly tf.Tensor[]) => tf.Tensor,
): tf.Tensor {
  const { binding, backend } = currentEngine();
  const { runtime, trace } = binding;
  if (trace === null) throw new Error(`engine: '${key}' is for functions that are being traced`);
  const symbols = inputs.map((input) => backend.symbolOf(input));
  const known = functions.get(runtime) ?? new Map<string, InnerFunction>();
  functions.set(runtime, known);
  const signature = [key, ...inputs.map(({ shape }) => shape.join('x'))].join(' ');
  const callee = known.get(signature) ?? traceInner(key, symbols, build);
  known.set(signature, callee);
  return backend.tensorOf(binding.addSymbol(trace, trace.call(callee, symbols)));
}

function traceInner(
  key: string,
  inputs: readonly { readonly shape: readonly number[]; readonly dtype: number }[],
  build: (inputs: readonly tf.Tensor[]) => tf.Tensor,
): InnerFunction {
  const { binding, backend } = currentEngine();
  const outer = binding.trace;
  const inner = new Trace(binding.runtime, key, 'float32', true);
  binding.trace = inner;
  try {
    let made: InnerFunction | undefined;
    tf.tidy(() => {
      const parameters = inputs.map(({ shape, dtype }) => {
        const node = { output: inner.placeholder(dtype, shape), shape: [...shape], dtype };
        return backend.tensorOf(binding.addSymbol(inner, node));
      });
      made = inner.finishInner(backend.symbolOf(build(parameters)));
    });
    return made!;
  } finally {
    binding.trace = outer;
    inner.dispose();
  }
}
