import * as tf from '@tensorflow/tfjs-core';
import type { VaeLossConfig } from '../config/vae-loss-config.js';
import { softplus } from '../nn/activations.js';
import type { BatchReplicas } from '../nn/batch-replicas.js';
import { offTape } from '../nn/off-tape.js';
import { Params } from '../nn/params.js';
import type { ParamKey, Scope } from '../nn/scope.js';
import { tidyTree } from '../nn/tensor-tree.js';
import { valueAndGrads } from '../nn/value-and-grads.js';
import { adaptiveWeight, type LastLayer } from './adaptive-weight.js';
import { NLayerDiscriminator } from './discriminator.js';
import { LPIPS } from './lpips.js';
import { klDivergence, type LatentPosterior } from './posterior.js';

/** Width of the discriminator's first layer; no argument changes it. */
const DISCRIMINATOR_WIDTH = 64;

/** A loss with what the original logs of it, and the discriminator's new buffers. The caller owns all tensors. */
export interface GanLoss {
  readonly loss: tf.Scalar;
  /** By the original's names, without the split (`nll_loss`, `d_weight`, ...). */
  readonly logs: Readonly<Record<string, tf.Scalar>>;
  /** Keys whose values the pass changes: the discriminator's running statistics; none in evaluation. */
  readonly buffers: Params;
}

/** What the losses of both passes share. */
interface GanInputs {
  /** Images in [-1,1] [B,H,W,C]. */
  readonly images: tf.Tensor4D;
  /** Weight of the discriminator's terms: {@link LPIPSWithDiscriminator.discFactorAt} the optimizer step. */
  readonly discFactor: number | tf.Scalar;
  /** Batch statistics in the discriminator; false: running ones. */
  readonly train: boolean;
  /**
   * The copies of the model that have the rest of the batch. The discriminator's statistics and d_weight are then those of
   * the whole batch; losses and logs stay this copy's own, to be averaged, as gradients are. Absent: this is all of it.
   */
  readonly replicas?: BatchReplicas | undefined;
}

/** How the discriminator is run. */
type JudgeOptions = Pick<GanInputs, 'train' | 'replicas'>;

/** What the autoencoder's loss is computed from. */
export interface GeneratorInputs extends GanInputs {
  /** Input of the decoder's last layer [B,H,W,C']. */
  readonly features: tf.Tensor4D;
  /** The decoder's last layer. */
  readonly lastLayer: LastLayer;
  readonly posterior: LatentPosterior;
  /** Balance the terms by gradients; false: d_weight is 0, as where the original validates without gradients. Default true. */
  readonly adaptive?: boolean;
}

/** What the discriminator's loss is computed from. */
export interface DiscriminatorInputs extends GanInputs {
  /** Reconstructions [B,H,W,C]; no gradient flows into them. */
  readonly reconstructions: tf.Tensor4D;
}

/**
 * Loss of the autoencoder: reconstruction and perceptual distance, KL divergence, and a patch discriminator whose term is
 * balanced against the first by their gradients (VQGAN: Esser et al. 2021, equations 5-7; with KL: Rombach et al. 2022,
 * appendix G). Keys: `logvar`, `perceptual_loss`, `discriminator`. `logvar` and `perceptual_loss` are in no optimizer.
 */
export class LPIPSWithDiscriminator {
  /** The frozen perceptual distance. */
  readonly perceptual: LPIPS;
  readonly discriminator: NLayerDiscriminator;
  private readonly logvar: ParamKey<tf.Rank.R0>;

  constructor(
    scope: Scope,
    /** What it was built from. */
    readonly config: VaeLossConfig,
  ) {
    const { logvarInit, discInChannels, discNumLayers, useActnorm } = config;
    this.logvar = scope.param('logvar', [], { kind: 'constant', value: logvarInit });
    this.perceptual = new LPIPS(scope.at('perceptual_loss'));
    this.discriminator = new NLayerDiscriminator(
      scope.at('discriminator'),
      { inputNc: discInChannels, ndf: DISCRIMINATOR_WIDTH, nLayers: discNumLayers, useActnorm },
      { gan: true },
    );
  }

  /** Whether the discriminator ever counts; with `disc_factor` 0 or less it is neither run nor trained. */
  get usesDiscriminator(): boolean {
    return this.config.discFactor > 0;
  }

  /** Weight of the discriminator's terms. @param globalStep optimizer steps taken so far @returns 0 before `disc_start` */
  discFactorAt(globalStep: number): number {
    return globalStep < this.config.discStart ? 0 : this.config.discFactor;
  }

  /**
   * The autoencoder's loss: nll + kl_weight kl + d_weight disc_factor g, with nll = Σ(rec/exp(logvar) + logvar)/B, rec =
   * |x - r| + perceptual_weight lpips(x, r), g = -mean(D(r)).
   *
   * Differentiable by the autoencoder's parameters and `logvar`; d_weight counts as a constant. LPIPS and discriminator
   * run forward and backward once only: both gradients with respect to r are needed for d_weight, and reused.
   */
  generatorLoss(p: Params, inputs: GeneratorInputs): GanLoss {
    const { features, lastLayer, posterior, adaptive = true, replicas } = inputs;
    return tidyTree(() => {
      const [logvar, discFactor] = [p.of(this.logvar), asScalar(inputs.discFactor)];
      const r = lastLayer.forward(p, features);
      const { nll, g, dWeight, recLoss, buffers } = offTape(() => {
        const nll = this.nll(p, inputs.images, r);
        const g = this.realism(p, r, inputs);
        const balanced = adaptive && this.usesDiscriminator;
        const dWeight = balanced
          ? tf.mul(this.config.discWeight, adaptiveWeight(p, lastLayer, features, nll.byImage, g.byImage, replicas))
          : tf.scalar(0);
        return { nll, g, dWeight: dWeight as tf.Scalar, recLoss: nll.recLoss, buffers: g.buffers };
      });
      const ganWeight = offTape(() => tf.mul(dWeight, discFactor));
      const imageLoss = knownGradient(
        tf.add(nll.value, tf.mul(ganWeight, g.value)),
        [r, tf.add(nll.byImage, tf.mul(ganWeight, g.byImage))],
        [logvar, nll.byLogvar],
      );
      const kl = tf.mean(klDivergence(posterior)) as tf.Scalar;
      const loss = tf.add(imageLoss, tf.mul(this.config.klWeight, kl)) as tf.Scalar;
      const logs = {
        total_loss: tf.clone(loss),
        logvar: tf.clone(logvar),
        kl_loss: kl,
        nll_loss: nll.value,
        rec_loss: recLoss,
        d_weight: dWeight,
        disc_factor: tf.clone(discFactor),
        g_loss: g.value,
      };
      return { loss, logs, buffers };
    });
  }

  /**
   * The discriminator's loss, disc_factor ½ (mean relu(1 - D(x)) + mean relu(1 + D(r))) (hinge), or with softplus(-D(x))
   * and softplus(D(r)) (vanilla). In training the real images move the running statistics first, then the others.
   */
  discriminatorLoss(p: Params, inputs: DiscriminatorInputs): GanLoss {
    return tidyTree(() => {
      const discFactor = asScalar(inputs.discFactor);
      const real = this.judge(p, inputs.images, inputs);
      const fake = this.judge(p.merge(real.buffers), inputs.reconstructions, inputs);
      const [onReal, onFake] =
        this.config.discLoss === 'hinge'
          ? [tf.relu(tf.sub(1, real.logits)), tf.relu(tf.add(1, fake.logits))]
          : [softplus(tf.neg(real.logits)), softplus(fake.logits)];
      const loss = tf.mul(tf.mul(discFactor, 0.5), tf.add(tf.mean(onReal), tf.mean(onFake))) as tf.Scalar;
      const logs = {
        disc_loss: tf.clone(loss),
        logits_real: tf.mean(real.logits) as tf.Scalar,
        logits_fake: tf.mean(fake.logits) as tf.Scalar,
      };
      return { loss, logs, buffers: real.buffers.merge(fake.buffers) };
    });
  }

  /** Negative log-likelihood of images under Laplace noise around r, and its gradients. */
  private nll(p: Params, images: tf.Tensor4D, r: tf.Tensor4D) {
    const { perceptualWeight } = this.config;
    const [B, H, W, C] = r.shape;
    const logvar = p.of(this.logvar);
    const precision = tf.exp(tf.neg(logvar));
    const perImage = tf.div(precision, B); // d nll / d rec of one element
    const distance = tf.abs(tf.sub(images, r));
    const sign = tf.sign(tf.sub(r, images));
    let rec: tf.Tensor = distance;
    let byImage: tf.Tensor = tf.mul(sign, perImage);
    if (perceptualWeight > 0) {
      const wanted = this.perceptual.features(p, images);
      const lpips = (r: tf.Tensor) =>
        this.perceptual.distance(p, wanted, this.perceptual.features(p, r as tf.Tensor4D));
      // The distance of an image enters the sum once for each of its H·W·C elements.
      const weight = tf.mul(perImage, perceptualWeight * H * W * C);
      const { value, grad } = tf.valueAndGrad(lpips)(r, tf.mul(tf.ones([B, 1, 1, 1]), weight));
      rec = tf.add(distance, tf.mul(perceptualWeight, value));
      byImage = tf.add(byImage, grad);
    }
    const scaled = tf.mul(tf.sum(rec), perImage);
    return {
      value: tf.add(scaled, tf.mul(logvar, H * W * C)) as tf.Scalar,
      recLoss: tf.mean(rec) as tf.Scalar,
      byImage: byImage as tf.Tensor4D,
      byLogvar: tf.sub(H * W * C, scaled) as tf.Scalar,
    };
  }

  /** g = -mean(D(r)), its gradient, and the discriminator's new buffers. Without a discriminator term D is not run, and g is 0. */
  private realism(p: Params, r: tf.Tensor4D, options: JudgeOptions) {
    if (!this.usesDiscriminator) return { value: tf.scalar(0), buffers: new Params(), byImage: tf.zerosLike(r) };
    const { value, grads } = valueAndGrads(
      (inputs) => {
        const { logits, buffers } = this.judge(p, inputs.get('r') as tf.Tensor4D, options);
        return { loss: tf.neg(tf.mean(logits)) as tf.Scalar, buffers };
      },
      new Params([['r', r]]),
    );
    return { value: value.loss, buffers: value.buffers, byImage: grads.get('r') as tf.Tensor4D };
  }

  private judge(p: Params, images: tf.Tensor4D, { train, replicas }: JudgeOptions) {
    if (train) return this.discriminator.forwardTrain(p, images, replicas);
    return { logits: this.discriminator.forward(p, images), buffers: new Params() };
  }
}

/** A value that is known together with its gradients, as a function of its inputs. */
function knownGradient(
  value: tf.Tensor,
  ...parts: readonly (readonly [input: tf.Tensor, gradient: tf.Tensor])[]
): tf.Tensor {
  const op = tf.customGrad((...args) => {
    const save = args.at(-1) as tf.GradSaveFunc;
    // Saved, because they would be freed before the backward pass begins.
    save(parts.map(([, gradient]) => gradient));
    return {
      value: tf.clone(value),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => saved.map((gradient) => tf.mul(dy, gradient)),
    };
  });
  return op(...parts.map(([input]) => input));
}

function asScalar(value: number | tf.Scalar): tf.Scalar {
  return typeof value === 'number' ? tf.scalar(value) : value;
}
