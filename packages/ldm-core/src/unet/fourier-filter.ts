import * as tf from '@tensorflow/tfjs-core';

/** Options of {@link fourierFilter}. */
export interface FourierFilterOptions {
  /** Half the side of the square of scaled frequencies, in bins. */
  readonly threshold: number;
  /** Factor on those frequencies; 1 is the identity. */
  readonly scale: number;
}

/**
 * Scale the lowest spatial frequencies of each channel (FreeU: Si et al. 2023, equation 6).
 *
 * The definition is by a 2-D Fourier transform with the zero frequency shifted to row floor(H/2) and column floor(W/2):
 * rows [floor(H/2)-threshold, floor(H/2)+threshold) and the like columns are multiplied by `scale`, and the real part of
 * the inverse transform is taken. So few bins are concerned that their projection is computed directly, as two products
 * with a small basis of cosines and sines: x + (scale - 1) lowpass(x). It needs no complex numbers, so it runs on any
 * backend, inside gradients and traces.
 *
 * @param x [B,H,W,C]
 * @returns [B,H,W,C]
 */
export function fourierFilter(x: tf.Tensor4D, { threshold, scale }: FourierFilterOptions): tf.Tensor4D {
  if (scale === 1) return x;
  const [B, H, W, C] = x.shape;
  const basis = lowFrequencyBasis(H, W, threshold);
  if (basis.length === 0) return x;
  return tf.tidy(() => {
    const phi = tf.tensor3d(basis, [1, basis.length / (H * W), H * W]); // [1,F,N]
    const flat = tf.reshape(x, [B, H * W, C]);
    const low = tf.matMul(phi, tf.matMul(phi, flat), true, false); // [B,F,C], then [B,N,C]
    return tf.reshape(tf.add(flat, tf.mul(low, scale - 1)), [B, H, W, C]);
  });
}

/**
 * Rows cos(φ)/sqrt(HW) and sin(φ)/sqrt(HW), φ(m,n) = 2π(km/H + ln/W), of every frequency (k,l) in the square. The real
 * part of the inverse transform of those bins is Σ over rows b of b (b·x): the two factors sqrt(1/HW) make the 1/HW of
 * the inverse. Rows that are zero everywhere are left out.
 */
function lowFrequencyBasis(H: number, W: number, threshold: number): Float32Array {
  const norm = 1 / Math.sqrt(H * W);
  const rows: number[][] = [];
  for (const k of scaledFrequencies(H, threshold)) {
    for (const l of scaledFrequencies(W, threshold)) {
      const phases = Array.from(
        { length: H * W },
        (_, i) => 2 * Math.PI * ((k * Math.floor(i / W)) / H + (l * (i % W)) / W),
      );
      rows.push(phases.map((phase) => norm * Math.cos(phase)));
      if (k !== 0 || l !== 0) rows.push(phases.map((phase) => norm * Math.sin(phase)));
    }
  }
  return Float32Array.from(rows.flat());
}

/**
 * Signed frequencies of the bins [floor(n/2)-threshold, floor(n/2)+threshold) of a shifted transform of n points. As in
 * the original's slicing, a start below zero counts from the end.
 */
function scaledFrequencies(n: number, threshold: number): number[] {
  const centre = Math.floor(n / 2);
  const start = centre - threshold < 0 ? Math.max(0, n + centre - threshold) : centre - threshold;
  const end = Math.min(n, centre + threshold);
  return Array.from({ length: Math.max(0, end - start) }, (_, i) => start + i - centre);
}
