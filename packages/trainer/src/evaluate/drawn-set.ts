import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import { drawFace } from '../data/synth/draw-face.js';
import type { CaptionFacts } from '../data/synth/facts.js';
import { ATTRIBUTES, type Attribute } from './drawing-classifier.js';
import { DRAWING_SIDE } from './drawing-parser.js';

const PIXELS = DRAWING_SIDE * DRAWING_SIDE;

/** Drawings in memory, 64x64. */
export interface DrawnSet {
  /** [n,64,64,3] */
  readonly images: Uint8Array;
  /** Class ids [n,64,64]. */
  readonly masks: Uint8Array;
  readonly facts: readonly CaptionFacts[];
}

/** Draw faces 0 .. n-1 of a seed. @param onFace told after each */
export async function drawSet(seed: number, n: number, onFace?: (done: number) => void): Promise<DrawnSet> {
  const images = new Uint8Array(n * PIXELS * 3);
  const masks = new Uint8Array(n * PIXELS);
  const facts = new Array<CaptionFacts>(n);
  let [next, done] = [0, 0];
  const draw = async (): Promise<void> => {
    for (let i = next++; i < n; i = next++) {
      const face = await drawFace(seed, i, DRAWING_SIDE);
      images.set(face.image.values, i * PIXELS * 3);
      masks.set(face.mask.values, i * PIXELS);
      facts[i] = face.facts;
      onFace?.(++done);
    }
  };
  await Promise.all(Array.from({ length: Math.min(availableParallelism(), 8) }, draw));
  return { images, masks, facts };
}

/** Tensors of some drawings. The caller owns them. */
export type DrawnBatch = {
  /** [-1,1] [B,64,64,3] */
  readonly images: tf.Tensor4D;
  /** Class ids int32 [B,64,64]. */
  readonly masks: tf.Tensor3D;
} & { readonly [K in Attribute]: tf.Tensor1D };

/** @param rows of the drawings */
export function drawnBatch({ images, masks, facts }: DrawnSet, rows: ArrayLike<number>): DrawnBatch {
  const n = rows.length;
  const x = new Float32Array(n * PIXELS * 3);
  const y = new Int32Array(n * PIXELS);
  for (let b = 0; b < n; b++) {
    const row = rows[b]!;
    for (let k = 0; k < PIXELS * 3; k++) x[b * PIXELS * 3 + k] = images[row * PIXELS * 3 + k]! / 127.5 - 1;
    y.set(masks.subarray(row * PIXELS, (row + 1) * PIXELS), b * PIXELS);
  }
  const classes = (name: Attribute) => {
    const words: readonly string[] = ATTRIBUTES[name];
    return tf.tensor1d(
      Int32Array.from({ length: n }, (_, b) => words.indexOf(facts[rows[b]!]![name])),
      'int32',
    );
  };
  return {
    images: tf.tensor4d(x, [n, DRAWING_SIDE, DRAWING_SIDE, 3]),
    masks: tf.tensor3d(y, [n, DRAWING_SIDE, DRAWING_SIDE], 'int32'),
    gender: classes('gender'),
    age: classes('age'),
    beard: classes('beard'),
  };
}
