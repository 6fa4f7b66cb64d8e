import * as tf from '@tensorflow/tfjs-core';
import type { DdConfig } from '../config/autoencoder-config.js';
import { Conv2D } from '../nn/conv2d.js';
import { GroupNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { ParamKey, Scope } from '../nn/scope.js';
import { VaeUpsample } from './resample.js';
import { runLayers, type VaeLayer, type VaePassOptions, vaeLayer, vaeLevel, vaeMiddle } from './stage.js';

/**
 * Latent to image (Rombach et al. 2022, appendix G). Keys: `conv_in`, `mid`, `up.i.{block,attn}.j`, `up.i.upsample`,
 * `norm_out`, `conv_out`; `up.0` is the full resolution, so it runs last.
 */
export class Decoder {
  private readonly layers: readonly VaeLayer[];
  private readonly normOut: GroupNorm;
  private readonly convOut: Conv2D;
  private readonly scope: Scope;

  constructor(
    scope: Scope,
    private readonly config: DdConfig,
  ) {
    const { ch, chMult, numResBlocks, outCh, zChannels, resolution, resampWithConv } = config;
    this.scope = scope;
    const widths = chMult.map((mult) => ch * mult);
    const last = widths.length - 1;
    const deepest = widths[last]!;
    const at = scope.at('conv_in');
    const convIn = vaeLayer(at, new Conv2D(at, zChannels, deepest, { kernel: 3 }));
    const middle = vaeMiddle(scope.at('mid'), config, deepest);
    const smallest = Math.floor(resolution / 2 ** last);
    const levels = widths.map((outChannels, i) => {
      const up = scope.at(`up.${i}`);
      const size = smallest * 2 ** (last - i);
      const layers = vaeLevel(up, config, {
        count: numResBlocks + 1,
        inChannels: widths[i + 1] ?? deepest,
        outChannels,
        size,
      });
      if (i === 0) return layers;
      const enlarge = up.at('upsample');
      return [
        ...layers,
        vaeLayer(enlarge, new VaeUpsample(enlarge, { inChannels: outChannels, withConv: resampWithConv })),
      ];
    });
    this.layers = [convIn, ...middle, ...levels.reverse().flat()];
    this.normOut = new GroupNorm(scope.at('norm_out'), widths[0]!, { epsilon: 1e-6 });
    this.convOut = new Conv2D(scope.at('conv_out'), widths[0]!, outCh, { kernel: 3 });
  }

  /** The last convolution's weight: where the GAN loss balances its terms. */
  get lastWeight(): ParamKey<tf.Rank.R4> {
    return { key: `${this.scope.path}.conv_out.weight` };
  }

  /**
   * @param z latent after `post_quant_conv` [B,h,w,z_channels]
   * @returns image [B,f·h,f·w,out_ch]; with `give_pre_end` the features before `norm_out`
   */
  forward(p: Params, z: tf.Tensor4D, options: VaePassOptions = {}): tf.Tensor4D {
    return tf.tidy(() => {
      const h = runLayers(this.layers, p, z, options);
      if (this.config.givePreEnd) return h;
      const image = this.last(p, this.activate(p, h));
      options.onActivation?.(`${this.scope.path}.conv_out`, image);
      return image;
    });
  }

  /** The input of the last layer. @param z as in {@link forward} @returns [B,f·h,f·w,ch·ch_mult[0]] */
  features(p: Params, z: tf.Tensor4D, options: VaePassOptions = {}): tf.Tensor4D {
    return tf.tidy(() => this.activate(p, runLayers(this.layers, p, z, options)));
  }

  /** The last layer: convolution, and tanh if the config asks for it. @param h from {@link features} @returns image */
  last(p: Params, h: tf.Tensor4D): tf.Tensor4D {
    const image = this.convOut.forward(p, h);
    return this.config.tanhOut ? tf.tanh(image) : image;
  }

  private activate(p: Params, h: tf.Tensor4D): tf.Tensor4D {
    return this.normOut.forward(p, h, 'silu');
  }
}
