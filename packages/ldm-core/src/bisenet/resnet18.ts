import * as tf from '@tensorflow/tfjs-core';
import { BatchNorm2D } from '../nn/batch-norm.js';
import { Conv2D } from '../nn/conv2d.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';

/** Two 3x3 convolutions and a shortcut (He et al. 2016, figure 5 left). Keys `conv1 bn1 conv2 bn2 downsample.{0,1}`. */
class BasicBlock {
  private readonly conv1: Conv2D;
  private readonly bn1: BatchNorm2D;
  private readonly conv2: Conv2D;
  private readonly bn2: BatchNorm2D;
  private readonly shortcut: { readonly conv: Conv2D; readonly bn: BatchNorm2D } | undefined;

  constructor(scope: Scope, inC: number, outC: number, stride: number) {
    this.conv1 = new Conv2D(scope.at('conv1'), inC, outC, { stride, bias: false });
    this.bn1 = new BatchNorm2D(scope.at('bn1'), outC);
    this.conv2 = new Conv2D(scope.at('conv2'), outC, outC, { bias: false });
    this.bn2 = new BatchNorm2D(scope.at('bn2'), outC);
    const at = scope.at('downsample');
    this.shortcut =
      inC === outC && stride === 1
        ? undefined
        : {
            conv: new Conv2D(at.at(0), inC, outC, { kernel: 1, stride, bias: false }),
            bn: new BatchNorm2D(at.at(1), outC),
          };
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const h = tf.relu(this.bn1.forward(p, this.conv1.forward(p, x)));
      const residual = this.bn2.forward(p, this.conv2.forward(p, h));
      const kept = this.shortcut ? this.shortcut.bn.forward(p, this.shortcut.conv.forward(p, x)) : x;
      return tf.relu(tf.add(residual, kept));
    });
  }
}

/** Channels and step of the four stages. */
const STAGES = [
  [64, 1],
  [128, 2],
  [256, 2],
  [512, 2],
] as const;

/** ResNet-18 without its head. Keys `conv1 bn1 layer1..4.{0,1}`, as torchvision's. */
export class ResNet18 {
  private readonly conv1: Conv2D;
  private readonly bn1: BatchNorm2D;
  private readonly stages: readonly (readonly BasicBlock[])[];

  constructor(scope: Scope) {
    this.conv1 = new Conv2D(scope.at('conv1'), 3, 64, { kernel: 7, stride: 2, bias: false });
    this.bn1 = new BatchNorm2D(scope.at('bn1'), 64);
    let channels = 64;
    this.stages = STAGES.map(([outC, stride], i) => {
      const at = scope.at(`layer${i + 1}`);
      const blocks = [new BasicBlock(at.at(0), channels, outC, stride), new BasicBlock(at.at(1), outC, outC, 1)];
      channels = outC;
      return blocks;
    });
  }

  /** @param x [B,H,W,3] @returns features at 1/8 [.,128], 1/16 [.,256] and 1/32 [.,512] of the size */
  forward(p: Params, x: tf.Tensor4D): [tf.Tensor4D, tf.Tensor4D, tf.Tensor4D] {
    let h = tf.relu(this.bn1.forward(p, this.conv1.forward(p, x)));
    // Values are at least 0 here, so zeros around change no maximum.
    h = tf.maxPool(
      tf.pad(h, [
        [0, 0],
        [1, 1],
        [1, 1],
        [0, 0],
      ]),
      3,
      2,
      'valid',
    );
    const outputs = this.stages.map((blocks) => {
      for (const block of blocks) h = block.forward(p, h);
      return h;
    });
    return [outputs[1]!, outputs[2]!, outputs[3]!];
  }
}
