import type { HostTensor } from './host-tensor.js';

/** Every n-th row and column of an image (B, C, H, W), from the first on. */
export function strided({ shape, values }: HostTensor, stride: number): HostTensor {
  const [B, C, H, W] = shape;
  if (shape.length !== 4) throw new Error(`reduce 'stride${stride}' wants (B, C, H, W), got [${shape}]`);
  const [h, w] = [Math.ceil(H! / stride), Math.ceil(W! / stride)];
  const out = new Float64Array(B! * C! * h * w);
  let at = 0;
  for (let plane = 0; plane < B! * C!; plane++) {
    for (let row = 0; row < H!; row += stride) {
      for (let column = 0; column < W!; column += stride) out[at++] = values[(plane * H! + row) * W! + column]!;
    }
  }
  return { shape: [B!, C!, h, w], values: out };
}

/** [mean, standard deviation] of all elements, the latter with n - 1. */
export function meanStd({ values }: HostTensor): HostTensor {
  const n = values.length;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += values[i]!;
  const mean = sum / n;
  let squares = 0;
  for (let i = 0; i < n; i++) squares += (values[i]! - mean) ** 2;
  return { shape: [2], values: Float64Array.of(mean, Math.sqrt(squares / (n - 1))) };
}

/** Rows and columns of an image (B, C, H, W) repeated `factor` times: nearest neighbour. */
export function enlarged({ shape, values }: HostTensor, factor: number): HostTensor {
  const [B, C, H, W] = shape;
  if (shape.length !== 4) throw new Error(`enlarge ${factor} wants (B, C, H, W), got [${shape}]`);
  const [h, w] = [H! * factor, W! * factor];
  const out = new Float32Array(B! * C! * h * w);
  let at = 0;
  for (let plane = 0; plane < B! * C!; plane++) {
    for (let row = 0; row < h; row++) {
      const start = (plane * H! + Math.floor(row / factor)) * W!;
      for (let column = 0; column < w; column++) out[at++] = values[start + Math.floor(column / factor)]!;
    }
  }
  return { shape: [B!, C!, h, w], values: out };
}
