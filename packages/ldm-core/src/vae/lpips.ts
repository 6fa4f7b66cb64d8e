import * as tf from '@tensorflow/tfjs-core';
import { Conv2D } from '../nn/conv2d.js';
import { Linear } from '../nn/linear.js';
import type { Params } from '../nn/params.js';
import type { ParamKey, Scope } from '../nn/scope.js';

/** Convolutions of VGG16 by slice: [index among torchvision's features, channels in, channels out]. */
const VGG_SLICES = [
  [
    [0, 3, 64],
    [2, 64, 64],
  ],
  [
    [5, 64, 128],
    [7, 128, 128],
  ],
  [
    [10, 128, 256],
    [12, 256, 256],
    [14, 256, 256],
  ],
  [
    [17, 256, 512],
    [19, 512, 512],
    [21, 512, 512],
  ],
  [
    [24, 512, 512],
    [26, 512, 512],
    [28, 512, 512],
  ],
] as const;

/** Mean and spread of ImageNet, for images in [-1,1]. */
const SHIFT = [-0.03, -0.088, -0.188];
const SCALE = [0.458, 0.448, 0.45];

/** Added to the length of a feature vector before dividing by it. */
const LENGTH_EPSILON = 1e-10;
/** Below the square of any length that matters: keeps the root's slope finite where all features are zero. */
const LEAST_SQUARE = 1e-36;

/**
 * Divide every pixel's feature vector by its length (LPIPS: Zhang et al. 2018, equation 1).
 * @param x [B,H,W,C] @returns x / (‖x‖ + 1e-10) [B,H,W,C]
 */
export function normalizeFeatures(x: tf.Tensor4D): tf.Tensor4D {
  return tf.tidy(() => {
    const square = tf.sum(tf.square(x), 3, true);
    return tf.div(x, tf.add(tf.sqrt(tf.maximum(square, LEAST_SQUARE)), LENGTH_EPSILON));
  });
}

/**
 * Learned perceptual distance of images: weighted differences of VGG16 features (Zhang et al. 2018, version 0.1). Keys:
 * `scaling_layer.{shift,scale}`, `net.slice1..5` with torchvision's indices, `lin0..4.model.1`. All of it is frozen, and
 * the heads' dropout is never on: the original turns it on by accident when it trains.
 */
export class LPIPS {
  private readonly shift: ParamKey<tf.Rank.R1>;
  private readonly scale: ParamKey<tf.Rank.R1>;
  private readonly slices: readonly (readonly Conv2D[])[];
  private readonly heads: readonly Linear[];

  constructor(scope: Scope) {
    const perChannel = (name: string, values: readonly number[]) =>
      scope.buffer<tf.Rank.R1>(
        `scaling_layer.${name}`,
        [3],
        { kind: 'values', values: Float32Array.from(values) },
        { file: { shape: [1, 3, 1, 1] } },
      );
    this.shift = perChannel('shift', SHIFT);
    this.scale = perChannel('scale', SCALE);
    this.slices = VGG_SLICES.map((convs, i) =>
      convs.map(([index, inC, outC]) => new Conv2D(scope.at(`net.slice${i + 1}.${index}`), inC, outC, { kernel: 3 })),
    );
    this.heads = VGG_SLICES.map(
      (convs, i) => new Linear(scope.at(`lin${i}.model.1`), convs[0][2], 1, { bias: false, fileAxes: 2 }),
    );
  }

  /** @param x images in [-1,1] [B,H,W,3] @param y like x @returns [B,1,1,1], 0 for equal images */
  forward(p: Params, x: tf.Tensor4D, y: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.distance(p, this.features(p, x), this.features(p, y)));
  }

  /** Normalized features of the five slices. @param x images in [-1,1] [B,H,W,3], 16 pixels or more @returns [B,h,w,C] each */
  features(p: Params, x: tf.Tensor4D): tf.Tensor4D[] {
    return tf.tidy(() => {
      let h: tf.Tensor4D = tf.div(tf.sub(x, p.of(this.shift)), p.of(this.scale));
      return this.slices.map((convs, i) => {
        if (i > 0) h = tf.maxPool(h, 2, 2, 'valid');
        for (const conv of convs) h = tf.relu(conv.forward(p, h));
        return normalizeFeatures(h);
      });
    });
  }

  /** The distance between images whose {@link features} are known. @returns [B,1,1,1] */
  distance(p: Params, a: readonly tf.Tensor4D[], b: readonly tf.Tensor4D[]): tf.Tensor4D {
    return tf.tidy(() => {
      const terms = this.heads.map((head, i) => {
        const weighted = head.forward(p, tf.squaredDifference(a[i]!, b[i]!));
        return tf.mean(weighted, [1, 2], true) as tf.Tensor4D;
      });
      return tf.addN(terms);
    });
  }
}
