import * as tf from '@tensorflow/tfjs-core';
import type { DdConfig } from '../config/autoencoder-config.js';
import { normal } from '../nn/init.js';
import { Linear } from '../nn/linear.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { ShapeError } from '../nn/shape-error.js';
import { Decoder } from './decoder.js';
import { Encoder } from './encoder.js';
import { type LatentPosterior, posteriorOf } from './posterior.js';
import type { VaePassOptions } from './stage.js';

/** The part of an autoencoder's config that says what the network is like and what it starts from. */
export interface AutoencoderShape {
  readonly ddconfig: DdConfig;
  /** Channels of the latent. */
  readonly embedDim: number;
  /** Number of labels of the stored random map that colours images of more than 3 channels in logs; null: none. */
  readonly colorizeNlabels?: number | null;
  /** Checkpoint of an autoencoder that training starts from, file keys to leave out by prefix; null: none. */
  readonly ckptPath?: string | null;
  readonly ignoreKeys?: readonly string[];
}

/**
 * The first stage: a variational autoencoder between images and latents (Rombach et al. 2022; Kingma & Welling 2014).
 * Keys: `colorize` (if asked for), `encoder`, `decoder`, whatever `loss` declares, `quant_conv`, `post_quant_conv`.
 */
export class AutoencoderKL<Loss = null> {
  /** Images to features of the moments. */
  readonly encoder: Encoder;
  /** Latents, after `post_quant_conv`, to images. */
  readonly decoder: Decoder;
  /** What the network looks like. */
  readonly shape: AutoencoderShape;
  /** The training loss under `loss`, if the model has one. */
  readonly loss: Loss;
  private readonly quantConv: Linear;
  private readonly postQuantConv: Linear;

  /**
   * @param shape what the network looks like
   * @param declareLoss declares the loss, e.g. `(at) => new LPIPSWithDiscriminator(at, config)`; a first stage inside a
   *   diffusion model has none: `() => null`
   */
  constructor(
    private readonly scope: Scope,
    shape: AutoencoderShape,
    declareLoss: (scope: Scope) => Loss,
  ) {
    this.shape = shape;
    const { ddconfig, embedDim, colorizeNlabels = null, ckptPath = null, ignoreKeys } = shape;
    if (colorizeNlabels !== null) {
      const file = { shape: [3, colorizeNlabels, 1, 1] };
      scope.buffer('colorize', [3, colorizeNlabels], normal(0, 1), { file });
    }
    this.encoder = new Encoder(scope.at('encoder'), ddconfig);
    this.decoder = new Decoder(scope.at('decoder'), ddconfig);
    this.loss = declareLoss(scope.at('loss'));
    const { zChannels } = ddconfig;
    this.quantConv = new Linear(scope.at('quant_conv'), 2 * zChannels, 2 * embedDim, { fileAxes: 2 });
    this.postQuantConv = new Linear(scope.at('post_quant_conv'), embedDim, zChannels, { fileAxes: 2 });
    if (ckptPath !== null) scope.startFrom(ckptPath, ignoreKeys);
  }

  /** @param x images in [-1,1] [B,H,W,C] @returns moments of the latent [B,h,w,2·embed_dim], mean first */
  encodeMoments(p: Params, x: tf.Tensor4D, options: VaePassOptions = {}): tf.Tensor4D {
    this.checkChannels('x', x, this.shape.ddconfig.inChannels, 'in_channels');
    return tf.tidy(() => {
      const h = this.encoder.forward(p, x, this.observed(options));
      options.onActivation?.('encoder', h);
      const moments = this.quantConv.forward(p, h);
      options.onActivation?.('quant_conv', moments);
      return moments;
    });
  }

  /** @param x images in [-1,1] [B,H,W,C] @returns posterior of the latent, [B,h,w,embed_dim] */
  encode(p: Params, x: tf.Tensor4D, options: VaePassOptions = {}): LatentPosterior {
    return tf.tidy(() => posteriorOf(this.encodeMoments(p, x, options)));
  }

  /** @param z latents [B,h,w,embed_dim] @returns images, about [-1,1], not clipped [B,H,W,out_ch] */
  decode(p: Params, z: tf.Tensor4D, options: VaePassOptions = {}): tf.Tensor4D {
    return tf.tidy(() => {
      const y = this.decoder.forward(p, this.fromLatent(p, z, options), this.observed(options));
      options.onActivation?.('decoder', y);
      return y;
    });
  }

  /** The decoder up to the input of its last layer. @param z latents [B,h,w,embed_dim] @returns [B,H,W,C] */
  decodeFeatures(p: Params, z: tf.Tensor4D, options: VaePassOptions = {}): tf.Tensor4D {
    return tf.tidy(() => this.decoder.features(p, this.fromLatent(p, z, options), this.observed(options)));
  }

  private fromLatent(p: Params, z: tf.Tensor4D, { onActivation }: VaePassOptions): tf.Tensor4D {
    this.checkChannels('z', z, this.shape.embedDim, 'embed_dim');
    const h = this.postQuantConv.forward(p, z);
    onActivation?.('post_quant_conv', h);
    return h;
  }

  private checkChannels(what: string, tensor: tf.Tensor4D, channels: number, key: string): void {
    if (tensor.rank === 4 && tensor.shape[3] === channels) return;
    throw new ShapeError(`autoencoder '${this.scope.path}'`, what, tensor.shape, `[B,H,W,${channels}] (${key})`);
  }

  /** Layers report whole keys; observers of an autoencoder see paths within it. */
  private observed(options: VaePassOptions): VaePassOptions {
    const { onActivation } = options;
    const prefix = this.scope.at('').path.length;
    if (!onActivation || prefix === 0) return options;
    return { ...options, onActivation: (path, activation) => onActivation(path.slice(prefix), activation) };
  }
}
