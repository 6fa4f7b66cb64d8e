import * as tf from '@tensorflow/tfjs-core';

/** What tfjs tells of a kernel that ran. */
interface KernelRun {
  readonly name: string;
  readonly inputShapes: readonly (readonly number[])[];
  readonly outputShapes: readonly (readonly number[])[];
}

/**
 * Arithmetic (multiplications and additions) of the convolutions, matrix products and attentions of a function: runs it once.
 * @param run returns a tensor, which is freed
 */
export async function countFlops(run: () => tf.Tensor): Promise<number> {
  const { kernels, result } = await tf.profile(() => {
    const y = run();
    return { y };
  });
  const { y } = result as { y: tf.Tensor };
  await y.data();
  y.dispose();
  // tfjs's own type leaves out that shapes are lists of lists.
  return (kernels as KernelRun[]).reduce((sum, kernel) => sum + flopsOf(kernel), 0);
}

/** Arithmetic of one kernel; 0 for those that only move or scale numbers. */
export function flopsOf({ name, inputShapes, outputShapes }: KernelRun): number {
  const output = sizeOf(outputShapes[0] ?? []);
  const [a = [], b = [], c = []] = inputShapes;
  switch (name) {
    case 'Conv2D':
    case 'FusedConv2D':
    case 'Conv2DWithPadding':
    // Of the convolution behind the enlargement, however it is computed.
    case 'UpsampleConv2D':
      // The filter is [kh,kw,in,out]: each output sums over all but the last.
      return 2 * output * sizeOf(b.slice(0, 3));
    case 'BatchMatMul':
    case '_FusedMatMul':
    case 'MatMul': {
      const batch = sizeOf((outputShapes[0] ?? []).slice(0, -2));
      // |a| |b| / |output| is the square of the summed width, whichever operand is transposed.
      return 2 * output * Math.sqrt((sizeOf(a) * sizeOf(b)) / (output * batch));
    }
    case 'Attention':
      // q [B,N,C], k [B,L,C], v [B,L,C]: logits and mix.
      return 2 * sizeOf(a) * b.at(-2)! + 2 * (sizeOf(a) / a.at(-1)!) * c.at(-2)! * c.at(-1)!;
    default:
      return 0;
  }
}

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, dim) => size * dim, 1);
