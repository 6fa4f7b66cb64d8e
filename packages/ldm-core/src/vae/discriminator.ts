import * as tf from '@tensorflow/tfjs-core';
import type { NLayerDiscriminatorConfig } from '../config/vae-loss-config.js';
import { leakyRelu } from '../nn/activations.js';
import { BatchNorm2D } from '../nn/batch-norm.js';
import type { BatchReplicas } from '../nn/batch-replicas.js';
import { Conv2D } from '../nn/conv2d.js';
import { normal } from '../nn/init.js';
import { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { ShapeError } from '../nn/shape-error.js';
import { tidyTree } from '../nn/tensor-tree.js';
import { ActNorm } from './act-norm.js';

/** A pass in training: the logits, and the new values of what the norms track. */
export interface DiscriminatorPass {
  /** One logit per patch, above 0 for "real" [B,h,w,1]. */
  readonly logits: tf.Tensor4D;
  /** Keys whose values change with the pass: running statistics; with ActNorm `loc`, `scale` and the flag. */
  readonly buffers: Params;
}

/** A convolution and what follows it. */
interface Stage {
  readonly conv: Conv2D;
  /** Absent in the first and in the last stage. */
  readonly norm?: BatchNorm2D | ActNorm;
  /** The last stage ends in logits. */
  readonly activate: boolean;
}

/**
 * The PatchGAN discriminator (Isola et al. 2017): 4x4 convolutions, of stride 2 but for the last two, so that every logit
 * judges one patch. Keys: `main.0`, then three indices a stage (convolution, norm, activation), then the last convolution.
 */
export class NLayerDiscriminator {
  private readonly stages: readonly Stage[];

  /**
   * @param options.gan start from the GAN's initialisation (convolutions N(0, 0.02), norm weights N(1, 0.02)) instead of
   *   the layers' own
   */
  constructor(
    private readonly scope: Scope,
    config: NLayerDiscriminatorConfig,
    { gan = false }: { readonly gan?: boolean } = {},
  ) {
    const { inputNc, ndf, nLayers, useActnorm } = config;
    const at = (index: number) => scope.at(`main.${index}`);
    const convInit = gan ? { init: normal(0, 0.02) } : {};
    const width = (k: number) => Math.min(ndf * 2 ** k, ndf * 8);
    const stages: Stage[] = [
      { conv: new Conv2D(at(0), inputNc, ndf, { kernel: 4, stride: 2, pad: 1, ...convInit }), activate: true },
    ];
    for (let n = 1; n <= nLayers; n++) {
      const index = 3 * n - 1;
      const options = { kernel: 4, stride: n < nLayers ? 2 : 1, pad: 1, bias: useActnorm, ...convInit };
      const conv = new Conv2D(at(index), width(n - 1), width(n), options);
      const norm = useActnorm
        ? new ActNorm(at(index + 1), width(n))
        : new BatchNorm2D(at(index + 1), width(n), gan ? { init: normal(1, 0.02) } : {});
      stages.push({ conv, norm, activate: true });
    }
    const last = new Conv2D(at(3 * nLayers + 2), width(nLayers), 1, { kernel: 4, pad: 1, ...convInit });
    stages.push({ conv: last, activate: false });
    this.stages = stages;
  }

  /** A pass in evaluation. @param x images in [-1,1] [B,H,W,C] @returns logits [B,h,w,1]; 512x512 images have 62x62 */
  forward(p: Params, x: tf.Tensor4D): tf.Tensor4D {
    return tf.tidy(() => this.run(p, x, (norm, h) => norm.forward(p, h)));
  }

  /**
   * A pass in training: norms use the batch's statistics.
   * @param x images in [-1,1] [B,H,W,C] @param replicas with which the batch is shared; absent: x is all of it
   */
  forwardTrain(p: Params, x: tf.Tensor4D, replicas?: BatchReplicas): DiscriminatorPass {
    return tidyTree(() => {
      let buffers = new Params();
      const logits = this.run(p, x, (norm, h) => {
        const pass = norm.forwardTrain(p, h, replicas);
        buffers = buffers.merge(pass.buffers);
        return pass.y;
      });
      return { logits, buffers };
    });
  }

  private run(
    p: Params,
    x: tf.Tensor4D,
    normalize: (norm: BatchNorm2D | ActNorm, h: tf.Tensor4D) => tf.Tensor4D,
  ): tf.Tensor4D {
    this.checkSize(x);
    return this.stages.reduce((h, { conv, norm, activate }) => {
      const y = conv.forward(p, h);
      const normed = norm ? normalize(norm, y) : y;
      return activate ? leakyRelu(normed) : normed;
    }, x);
  }

  private checkSize({ shape }: tf.Tensor4D): void {
    const strided = this.stages.length - 2;
    // The strided convolutions halve, and each of the two others takes a row and a column: 3 is the least they leave 1 of.
    const least = 3 * 2 ** strided;
    if (Math.min(shape[1], shape[2]) >= least) return;
    const wanted = `at least ${least}x${least} pixels, for one patch`;
    throw new ShapeError(`discriminator '${this.scope.path}'`, 'an image batch', shape, wanted);
  }
}
