import * as tf from '@tensorflow/tfjs-core';
import type { DdConfig } from '../config/autoencoder-config.js';
import { Conv2D } from '../nn/conv2d.js';
import { GroupNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { VaeDownsample } from './resample.js';
import { runLayers, type VaeLayer, type VaePassOptions, vaeLayer, vaeLevel, vaeMiddle } from './stage.js';

/**
 * Image to moments of a latent (Rombach et al. 2022, appendix G). Keys: `conv_in`, `down.i.{block,attn}.j`,
 * `down.i.downsample`, `mid`, `norm_out`, `conv_out`.
 */
export class Encoder {
  private readonly layers: readonly VaeLayer[];
  private readonly normOut: GroupNorm;
  private readonly convOut: Conv2D;

  constructor(
    private readonly scope: Scope,
    config: DdConfig,
  ) {
    const { ch, chMult, numResBlocks, inChannels, zChannels, resolution, resampWithConv } = config;
    const convIn = vaeLayer(scope.at('conv_in'), new Conv2D(scope.at('conv_in'), inChannels, ch, { kernel: 3 }));
    const widths = chMult.map((mult) => ch * mult);
    let size = resolution;
    const levels = widths.map((outChannels, i) => {
      const at = scope.at(`down.${i}`);
      const level = { count: numResBlocks, inChannels: widths[i - 1] ?? ch, outChannels, size };
      const layers = vaeLevel(at, config, level);
      if (i === widths.length - 1) return layers;
      size = Math.floor(size / 2);
      const down = at.at('downsample');
      return [
        ...layers,
        vaeLayer(down, new VaeDownsample(down, { inChannels: outChannels, withConv: resampWithConv })),
      ];
    });
    const deepest = widths.at(-1)!;
    this.layers = [convIn, ...levels.flat(), ...vaeMiddle(scope.at('mid'), config, deepest)];
    this.normOut = new GroupNorm(scope.at('norm_out'), deepest, { epsilon: 1e-6 });
    this.convOut = new Conv2D(scope.at('conv_out'), deepest, 2 * zChannels, { kernel: 3 });
  }

  /** @param x image [B,H,W,C] @returns moments before `quant_conv` [B,H/f,W/f,2·z_channels], f = 2^(levels - 1) */
  forward(p: Params, x: tf.Tensor4D, options: VaePassOptions = {}): tf.Tensor4D {
    return tf.tidy(() => {
      const h = runLayers(this.layers, p, x, options);
      const moments = this.convOut.forward(p, this.normOut.forward(p, h, 'silu'));
      options.onActivation?.(`${this.scope.path}.conv_out`, moments);
      return moments;
    });
  }
}
