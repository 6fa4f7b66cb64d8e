import * as tf from '@tensorflow/tfjs-core';
import { Linear } from '../nn/linear.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { BasicConv } from './basic-conv.js';
import { InceptionA, InceptionB, type InceptionBlock, InceptionC, InceptionD, InceptionE } from './inception-blocks.js';

/** Side of the images that the network reads. */
const SIDE = 299;
/** Classes of the TensorFlow release of 2015-12-05 whose weights the Frechet inception distance is defined by. */
const CLASSES = 1008;

/** Convolutions before the blocks: name, channels in and out, kernel, stride, whether the size is kept. */
const STEM = [
  ['Conv2d_1a_3x3', 3, 32, 3, 2, false],
  ['Conv2d_2a_3x3', 32, 32, 3, 1, false],
  ['Conv2d_2b_3x3', 32, 64, 3, 1, true],
  ['Conv2d_3b_1x1', 64, 80, 1, 1, true],
  ['Conv2d_4a_3x3', 80, 192, 3, 1, false],
] as const;
/** After these the maximum over 3x3 in steps of 2. */
const POOLED = new Set<string>(['Conv2d_2b_3x3', 'Conv2d_4a_3x3']);

/**
 * Inception-v3 (Szegedy et al. 2015) as the Frechet inception distance has it: names and shapes are those of
 * `pt_inception-2015-12-05-6726825d.pth` of pytorch-fid. It differs from torchvision's: means leave the border out, the last
 * block takes a maximum, and there are 1008 classes.
 */
export class InceptionV3 {
  /** Length of the features. */
  readonly width = 2048;
  private readonly stem: readonly (readonly [string, BasicConv])[];
  private readonly blocks: readonly InceptionBlock[];
  private readonly fc: Linear;

  constructor(scope: Scope) {
    this.stem = STEM.map(([name, inC, outC, kernel, stride, same]) => [
      name,
      new BasicConv(scope.at(name), inC, outC, kernel, { stride, same }),
    ]);
    const blocks: InceptionBlock[] = [];
    const add = (name: string, make: (scope: Scope, inC: number) => InceptionBlock): void => {
      blocks.push(make(scope.at(name), blocks.at(-1)?.outC ?? 192));
    };
    for (const [name, poolC] of [
      ['5b', 32],
      ['5c', 64],
      ['5d', 64],
    ] as const) {
      add(`Mixed_${name}`, (at, inC) => new InceptionA(at, inC, poolC));
    }
    add('Mixed_6a', (at, inC) => new InceptionB(at, inC));
    for (const [name, inner] of [
      ['6b', 128],
      ['6c', 160],
      ['6d', 160],
      ['6e', 192],
    ] as const) {
      add(`Mixed_${name}`, (at, inC) => new InceptionC(at, inC, inner));
    }
    add('Mixed_7a', (at, inC) => new InceptionD(at, inC));
    add('Mixed_7b', (at, inC) => new InceptionE(at, inC, 'mean'));
    add('Mixed_7c', (at, inC) => new InceptionE(at, inC, 'max'));
    this.blocks = blocks;
    this.fc = new Linear(scope.at('fc'), this.width, CLASSES);
  }

  /**
   * The features of the distance: the last block's mean over the image ('pool3').
   * @param x images in [-1,1] of any size [B,H,W,3]; they are resized to 299 (bilinear, pixel centres, no antialiasing)
   * @returns [B,2048]
   */
  features(p: Params, x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => {
      let h = x.shape[1] === SIDE && x.shape[2] === SIDE ? x : tf.image.resizeBilinear(x, [SIDE, SIDE], false, true);
      for (const [name, conv] of this.stem) {
        h = conv.forward(p, h);
        if (POOLED.has(name)) h = tf.maxPool(h, 3, 2, 'valid');
      }
      for (const block of this.blocks) h = block.forward(p, h);
      return tf.mean(h, [1, 2]) as tf.Tensor2D;
    });
  }

  /** Scores of the classes. @param x as for {@link features} @returns [B,1008] */
  logits(p: Params, x: tf.Tensor4D): tf.Tensor2D {
    return tf.tidy(() => this.fc.forward(p, this.features(p, x)));
  }
}
