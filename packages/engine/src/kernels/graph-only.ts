import { DataType } from '../capi/data-type.js';
import { currentEngine } from '../engine.js';
import { EngineError } from '../errors.js';
import type { OpAttr } from '../tfjs-node.js';
import { Trace } from '../trace.js';

/** What TensorFlow says where there is no kernel for an operation. */
const MISSING: ReadonlySet<string> = new Set(['not-found', 'unimplemented', 'invalid-argument']);

/**
 * Whether this device runs an operation inside functions: found out by running one on ones. Some of oneDNN's fused
 * operations exist only there, and only in some builds of libtensorflow.
 * @param shapes of the inputs, all float32
 */
export function runsInFunctions(op: string, attrs: readonly OpAttr[], shapes: readonly number[][]): boolean {
  const { binding } = currentEngine();
  const { runtime, trace: outer } = binding;
  if (!runtime.opDefs.has(op)) return false;
  const trace = new Trace(runtime, 'probe');
  binding.trace = null;
  const ids: number[] = [];
  let name: string | undefined;
  try {
    const inputs = shapes.map((shape) => trace.placeholder(DataType.float, shape));
    const outputs = trace.operation(op, attrs, inputs, 1).map(({ output }) => output);
    name = trace.finish(outputs).name;
    for (const shape of shapes) {
      const size = shape.reduce((product, length) => product * length, 1);
      ids.push(binding.createTensor(shape, DataType.float, new Float32Array(size).fill(1)));
    }
    for (const { id } of binding.executeOp(name, [], ids, 1)) ids.push(id);
    return true;
  } catch (error) {
    if (error instanceof EngineError && MISSING.has(error.code)) return false;
    throw error;
  } finally {
    if (name !== undefined) runtime.native.TFE_ContextRemoveFunction!(runtime.context, name, runtime.status.pointer);
    for (const id of ids) binding.deleteTensor(id);
    trace.dispose();
    binding.trace = outer;
  }
}
