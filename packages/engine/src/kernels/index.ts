/** Register the engine's own kernels for tfjs's registry, under the names that model code asks for. */
export function registerKernels(): void {}
