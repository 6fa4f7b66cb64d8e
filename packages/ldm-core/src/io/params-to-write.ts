import type * as tf from '@tensorflow/tfjs-core';
import { type HostValues, toFile } from '../nn/file-layout.js';
import type { ParamSpec } from '../nn/scope.js';
import { encodeValues } from './element-values.js';
import { TensorToWrite } from './tensor-to-write.js';

/** Element types weights may be saved in. */
export type SaveDType = 'float32' | 'float16' | 'bfloat16';

/**
 * A model's weights as a file's tensors: the original's keys, shapes and layout. Values are fetched from the backend one
 * tensor at a time, when they are written. Counters (int32 in memory) are saved as int64, as PyTorch keeps them.
 * @throws Error if the weights lack a declared key or hold an undeclared one
 */
export function paramsToWrite(
  params: ReadonlyMap<string, tf.Tensor>,
  specs: ReadonlyMap<string, ParamSpec>,
  dtype: SaveDType = 'float32',
): Map<string, TensorToWrite> {
  const undeclared = [...params.keys()].filter((key) => !specs.has(key));
  const absent = [...specs.keys()].filter((key) => !params.has(key));
  if (undeclared.length + absent.length > 0) {
    throw new Error(
      `paramsToWrite: ${absent.length} declared keys have no tensor (${absent.slice(0, 3).join(', ')}), ` +
        `${undeclared.length} tensors are not declared (${undeclared.slice(0, 3).join(', ')})`,
    );
  }
  return new Map(
    [...specs].map(([key, spec]) => {
      const fileDType = spec.dtype === 'int32' ? 'int64' : dtype;
      const bytes = async () => {
        const values = (await params.get(key)!.data()) as HostValues;
        return encodeValues(fileDType, toFile(spec, values));
      };
      return [key, new TensorToWrite(fileDType, spec.file?.shape ?? spec.shape, bytes)];
    }),
  );
}
