import type * as tf from '@tensorflow/tfjs-core';
import { DataType } from './capi/data-type.js';
import { castAttrs } from './cast-attrs.js';
import { currentEngine } from './engine.js';
import { EngineError } from './errors.js';

/** Types of half the size of float32. */
const NARROW = { bfloat16: DataType.bfloat16, float16: DataType.half } as const;

/**
 * The same values rounded to half the size, as a tensor that is float32 to everyone who uses it: weights for functions that
 * compute in that precision. Such a function takes the elements as they lie there, without a cast at each call; any other use
 * widens them first, each time, so this is for tensors that compiled functions read.
 * @param x float32, any shape; stays as it is
 * @returns a tensor that the caller owns
 * @throws EngineError if `x` is not float32, or a function is being traced
 */
export function narrow<T extends tf.Tensor>(x: T, precision: keyof typeof NARROW): T {
  const { binding, backend } = currentEngine();
  const usage = (problem: string) => new EngineError(`narrow: ${problem}`, { code: 'usage' });
  if (binding.trace !== null) throw usage('a function is being traced; narrow its weights outside, once');
  if (x.dtype !== 'float32') throw usage(`the tensor [${x.shape.join(',')}] is ${x.dtype}; float32 is wanted`);
  const value = binding.readable(backend.idOf(x));
  try {
    const storedAs = NARROW[precision];
    const [handle] = binding.enqueue('Cast', castAttrs(DataType.float, storedAs), [value.handle], 1);
    const shape = [...x.shape];
    const id = binding.slots.add({ kind: 'eager', handle: handle!, shape, dtype: DataType.float, storedAs });
    return backend.tensorOf({ id, shape, dtype: DataType.float }) as T;
  } finally {
    binding.release(value);
  }
}
