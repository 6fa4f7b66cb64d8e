import { Conv2D, type Params, Scope, upsampleNearest2x } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { FACE_CLASSES } from '../data/classes.js';
import { ConvBlock } from './drawing-blocks.js';

/** Channels at 64, 32, 16 and 8 pixels. */
const WIDTHS = [24, 48, 96, 128] as const;
/** Side of the images of both networks of drawings. */
export const DRAWING_SIDE = 64;

/**
 * The parser of drawn faces: a small U-Net (Ronneberger et al. 2015) from an image to the 19 classes. Keys `down.0..3.{0,1}`,
 * `up.2..0`, `out`.
 */
export class DrawingParser {
  readonly specs: Scope['specs'];
  private readonly down: readonly (readonly ConvBlock[])[];
  private readonly up: readonly ConvBlock[];
  private readonly out: Conv2D;

  constructor(scope = Scope.root()) {
    this.down = WIDTHS.map((width, level) => [
      new ConvBlock(scope.at(`down.${level}.0`), level === 0 ? 3 : WIDTHS[level - 1]!, width, level === 0 ? 1 : 2),
      new ConvBlock(scope.at(`down.${level}.1`), width, width),
    ]);
    this.up = [2, 1, 0].map(
      (level) => new ConvBlock(scope.at(`up.${level}`), WIDTHS[level + 1]! + WIDTHS[level]!, WIDTHS[level]!),
    );
    this.out = new Conv2D(scope.at('out'), WIDTHS[0], FACE_CLASSES.length, { kernel: 1 });
    this.specs = scope.specs;
  }

  /** @param x images in [-1,1] [B,64,64,3] @returns scores of the classes [B,64,64,19] */
  logits(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    let h = x;
    const skips = this.down.map((blocks) => {
      for (const block of blocks) h = block.forward(p, h);
      return h;
    });
    skips.pop();
    for (const block of this.up) h = block.forward(p, tf.concat([upsampleNearest2x(h), skips.pop()!], 3));
    return this.out.forward(p, h);
  }

  /** @param x as for {@link logits} @returns class ids int32 [B,64,64] */
  parse(p: Params, x: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => tf.argMax(this.logits(p, x), 3) as tf.Tensor3D);
  }
}
