import * as tf from '@tensorflow/tfjs-core';
import { BatchNorm2D } from '../nn/batch-norm.js';
import { Conv2D } from '../nn/conv2d.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { ResNet18 } from './resnet18.js';

/** Mean and spread of ImageNet's colours, of values in [0,1]. */
const MEAN = [0.485, 0.456, 0.406];
const SPREAD = [0.229, 0.224, 0.225];

/** Convolution without bias, batch normalization, ReLU. Keys `conv`, `bn`. */
class ConvNorm {
  private readonly conv: Conv2D;
  private readonly bn: BatchNorm2D;

  constructor(scope: Scope, inC: number, outC: number, kernel: 1 | 3 = 3) {
    this.conv = new Conv2D(scope.at('conv'), inC, outC, { kernel, bias: false });
    this.bn = new BatchNorm2D(scope.at('bn'), outC);
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.relu(this.bn.forward(p, this.conv.forward(p, x)));
  }
}

/** Features weighted channel by channel by what the whole image shows (Yu et al. 2018, figure 3b). */
class AttentionRefinement {
  private readonly conv: ConvNorm;
  private readonly attend: Conv2D;
  private readonly norm: BatchNorm2D;

  constructor(scope: Scope, inC: number, outC: number) {
    this.conv = new ConvNorm(scope.at('conv'), inC, outC);
    this.attend = new Conv2D(scope.at('conv_atten'), outC, outC, { kernel: 1, bias: false });
    this.norm = new BatchNorm2D(scope.at('bn_atten'), outC);
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    const h = this.conv.forward(p, x);
    return tf.mul(h, tf.sigmoid(this.norm.forward(p, this.attend.forward(p, imageMean(h)))));
  }
}

/** A head: classes from features. Keys `conv`, `conv_out`. */
class Head {
  private readonly conv: ConvNorm;
  private readonly out: Conv2D;

  constructor(scope: Scope, inC: number, midC: number, classes: number) {
    this.conv = new ConvNorm(scope.at('conv'), inC, midC);
    this.out = new Conv2D(scope.at('conv_out'), midC, classes, { kernel: 1, bias: false });
  }

  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return this.out.forward(p, this.conv.forward(p, x));
  }
}

const imageMean = (x: tf.Tensor4D): tf.Tensor4D => tf.mean(x, [1, 2], true);
const nearestTo = (x: tf.Tensor4D, like: tf.Tensor4D): tf.Tensor4D =>
  tf.image.resizeNearestNeighbor(x, [like.shape[1], like.shape[2]]);

/**
 * BiSeNet (Yu et al. 2018) as the public face parser of CelebAMask-HQ has it: the context path on ResNet-18 alone. Names and
 * shapes are those of `79999_iter.pth`. The heads of the two coarser maps serve training; their weights are declared, since the
 * file has them.
 */
export class BiSeNet {
  private readonly resnet: ResNet18;
  private readonly arm16: AttentionRefinement;
  private readonly arm32: AttentionRefinement;
  private readonly head32: ConvNorm;
  private readonly head16: ConvNorm;
  private readonly average: ConvNorm;
  private readonly fuse: ConvNorm;
  private readonly squeeze: Conv2D;
  private readonly expand: Conv2D;
  private readonly out: Head;

  constructor(scope: Scope, classes = 19) {
    const path = scope.at('cp');
    this.resnet = new ResNet18(path.at('resnet'));
    this.arm16 = new AttentionRefinement(path.at('arm16'), 256, 128);
    this.arm32 = new AttentionRefinement(path.at('arm32'), 512, 128);
    this.head32 = new ConvNorm(path.at('conv_head32'), 128, 128);
    this.head16 = new ConvNorm(path.at('conv_head16'), 128, 128);
    this.average = new ConvNorm(path.at('conv_avg'), 512, 128, 1);
    this.fuse = new ConvNorm(scope.at('ffm.convblk'), 256, 256, 1);
    this.squeeze = new Conv2D(scope.at('ffm.conv1'), 256, 64, { kernel: 1, bias: false });
    this.expand = new Conv2D(scope.at('ffm.conv2'), 64, 256, { kernel: 1, bias: false });
    this.out = new Head(scope.at('conv_out'), 256, 256, classes);
    for (const name of ['conv_out16', 'conv_out32']) new Head(scope.at(name), 128, 64, classes);
  }

  /** @param x images in [-1,1] [B,H,W,3], trained at 512x512 @returns scores [B,H,W,classes] */
  logits(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => {
      const unit = tf.div(tf.add(x, 1), 2);
      const [h8, h16, h32] = this.resnet.forward(p, tf.div(tf.sub(unit, MEAN), SPREAD));
      const whole = this.average.forward(p, imageMean(h32));
      const at16 = this.head32.forward(p, nearestTo(tf.add(this.arm32.forward(p, h32), whole), h16));
      const at8 = this.head16.forward(p, nearestTo(tf.add(this.arm16.forward(p, h16), at16), h8));
      const fused = this.fuse.forward(p, tf.concat([h8, at8], 3));
      const weight = tf.sigmoid(this.expand.forward(p, tf.relu(this.squeeze.forward(p, imageMean(fused)))));
      const scores = this.out.forward(p, tf.add(tf.mul(fused, weight), fused));
      return tf.image.resizeBilinear(scores, [x.shape[1], x.shape[2]], true);
    });
  }

  /** @param x as for {@link logits} @returns classes int32 [B,H,W] */
  parse(p: Params, x: tf.Tensor4D): tf.Tensor3D {
    return tf.tidy(() => tf.argMax(this.logits(p, x), 3) as tf.Tensor3D);
  }
}
