import type * as tf from '@tensorflow/tfjs-core';
import type { BatchReplicas } from '../nn/batch-replicas.js';
import type { Rng } from '../nn/dropout.js';
import { offTape } from '../nn/off-tape.js';
import type { Params } from '../nn/params.js';
import { tidyTree } from '../nn/tensor-tree.js';
import type { AutoencoderKL } from './autoencoder.js';
import type { GanLoss, LPIPSWithDiscriminator } from './gan-loss.js';
import { samplePosterior } from './posterior.js';

/** What one of the two passes over a batch takes. */
export interface GanPassInputs {
  /** Images in [-1,1] [B,H,W,C]. */
  readonly images: tf.Tensor4D;
  /** Standard normal, for the sample of the posterior [B,h,w,embed_dim]. */
  readonly noise: tf.Tensor4D;
  /** `vae.loss.discFactorAt(globalStep)`. */
  readonly discFactor: number | tf.Scalar;
  /** Batch statistics in the discriminator; false: running ones. */
  readonly train: boolean;
  /** Source of dropout; without it nothing is dropped. */
  readonly rng?: Rng | undefined;
  /** As in `GeneratorInputs`; without meaning to the discriminator's pass. */
  readonly adaptive?: boolean;
  /** The copies of the model that have the rest of the batch; absent: these images are all of it. */
  readonly replicas?: BatchReplicas | undefined;
}

/** The first pass over a batch: the loss of encoder, decoder and the 1x1 convolutions, to be differentiated by them. */
export function generatorPass(vae: AutoencoderKL<LPIPSWithDiscriminator>, p: Params, inputs: GanPassInputs): GanLoss {
  const { images, noise, discFactor, train, rng, adaptive = true, replicas } = inputs;
  return tidyTree(() => {
    const posterior = vae.encode(p, images, { rng });
    const features = vae.decodeFeatures(p, samplePosterior(posterior, noise), { rng });
    const { decoder } = vae;
    const lastLayer = { weight: decoder.lastWeight, forward: decoder.last.bind(decoder) };
    return vae.loss.generatorLoss(p, { images, features, lastLayer, posterior, discFactor, train, adaptive, replicas });
  });
}

/** The second pass: the discriminator's loss on a reconstruction of its own, to be differentiated by the discriminator. */
export function discriminatorPass(
  vae: AutoencoderKL<LPIPSWithDiscriminator>,
  p: Params,
  inputs: GanPassInputs,
): GanLoss {
  const { images, noise, discFactor, train, rng, replicas } = inputs;
  return tidyTree(() => {
    const reconstructions = offTape(() =>
      vae.decode(p, samplePosterior(vae.encode(p, images, { rng }), noise), { rng }),
    );
    return vae.loss.discriminatorLoss(p, { images, reconstructions, discFactor, train, replicas });
  });
}
