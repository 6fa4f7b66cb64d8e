import type koffi from 'koffi';

type Library = ReturnType<typeof koffi.load>;

/** How a GPU is to compute. A CPU does both anyway. */
export interface Numerics {
  /** Whether float32 products may round their operands to TensorFloat-32. */
  readonly tensorFloat32: boolean;
  /** Whether kernels that sum in an arbitrary order are to be avoided. */
  readonly deterministic: boolean;
}

// C++ functions without a C form: tsl::enable_tensor_float_32_execution(bool), tsl::EnableOpDeterminism(bool).
const TENSOR_FLOAT_32 = '_ZN3tsl32enable_tensor_float_32_executionEb';
const DETERMINISM = '_ZN3tsl19EnableOpDeterminismEb';

/**
 * Tell TensorFlow and NVIDIA's libraries how to compute. Libraries that lack one of the functions keep their default; the
 * environment variable reaches cuBLAS and cuDNN all the same.
 */
export function setNumerics(framework: Library, { tensorFloat32, deterministic }: Numerics): void {
  if (!tensorFloat32) process.env.NVIDIA_TF32_OVERRIDE ??= '0';
  call(framework, TENSOR_FLOAT_32, tensorFloat32);
  if (deterministic) call(framework, DETERMINISM, true);
}

function call(framework: Library, name: string, value: boolean): void {
  let set: (on: boolean) => void;
  try {
    set = framework.func(name, 'void', ['bool']) as typeof set;
  } catch {
    return;
  }
  set(value);
}
