import { encodeValues } from '../io/element-values.js';
import type { SaveDType } from '../io/params-to-write.js';
import { TensorToWrite } from '../io/tensor-to-write.js';
import { toFile } from '../nn/file-layout.js';
import { initialValues } from '../nn/init.js';
import type { ParamSpec } from '../nn/scope.js';
import { saveTensors } from './save-params.js';

/**
 * Write seeded first weights of a declared model to disk without building it: one tensor in memory at a time.
 * @param seed any integer; its low 32 bits count @param signal ends the writing, with nothing left
 * @throws CheckpointError if the path's ending tells no format
 */
export async function initCheckpoint(
  path: string,
  specs: ReadonlyMap<string, ParamSpec>,
  seed: number,
  dtype: SaveDType = 'float32',
  signal?: AbortSignal,
): Promise<void> {
  const tensors = new Map(
    [...specs].map(([key, spec]) => {
      const type = spec.dtype === 'int32' ? 'int64' : dtype;
      const bytes = async () => encodeValues(type, toFile(spec, initialValues(spec, seed)));
      return [key, new TensorToWrite(type, spec.file?.shape ?? spec.shape, bytes)] as const;
    }),
  );
  await saveTensors(path, tensors, signal ? { signal } : {});
}
