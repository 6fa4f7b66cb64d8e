import { formulaValues } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';

/** The formula's values of rank 1 are uniform in ±0.1; this makes them of standard deviation 1. */
const TO_UNIT = 10 * Math.sqrt(3);

/** How many numbers of a result are compared with a peer's. */
const PROBES = 64;

/** Numbers of variance 1 by formula, the same in any language. @param shape any */
export function formulaInput(name: string, shape: readonly number[]): tf.Tensor {
  const count = shape.reduce((product, dim) => product * dim, 1);
  return tf.tensor(
    formulaValues(name, [count]).map((value) => value * TO_UNIT),
    [...shape],
  );
}

/** Images or latents by formula, drawn as [B,C,H,W]. @returns [B,H,W,C] */
export function formulaImage(name: string, [B, H, W, C]: readonly [number, number, number, number]): tf.Tensor4D {
  return tf.tidy(() => tf.transpose(formulaInput(name, [B, C, H, W]), [0, 2, 3, 1])) as tf.Tensor4D;
}

/** Token ids that hit many rows of the table, int32 [B,L]. */
export function tokenIds(batch: number, length: number): tf.Tensor2D {
  const ids = Int32Array.from({ length: batch * length }, (_, i) => ((i * 37) % 1000) + 1000);
  return tf.tensor2d(ids, [batch, length], 'int32');
}

/** Evenly spread numbers of a result, in the order of its elements as [B,C,H,W] where it is an image. */
export function probe(values: ArrayLike<number>, shape: readonly number[]): number[] {
  const step = Math.max(1, Math.floor(values.length / PROBES));
  const count = Math.min(PROBES, Math.ceil(values.length / step));
  return Array.from({ length: count }, (_, i) => values[offsetOf(i * step, shape)]!);
}

/** Where element i of [B,C,H,W] lies in [B,H,W,C]; other ranks have one order only. */
function offsetOf(i: number, shape: readonly number[]): number {
  if (shape.length !== 4) return i;
  const [, H, W, C] = shape as [number, number, number, number];
  const [x, y, c, b] = [
    i % W,
    Math.floor(i / W) % H,
    Math.floor(i / (W * H)) % C,
    Math.floor(i / (W * H * C)),
  ] as const;
  return ((b * H + y) * W + x) * C + c;
}
