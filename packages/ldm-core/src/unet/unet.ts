import * as tf from '@tensorflow/tfjs-core';
import type { UNetConfig } from '../config/unet-config.js';
import { silu } from '../nn/activations.js';
import { Conv2D } from '../nn/conv2d.js';
import type { Rng } from '../nn/dropout.js';
import { Embedding } from '../nn/embedding.js';
import { Linear } from '../nn/linear.js';
import { GroupNorm } from '../nn/norm.js';
import type { Params } from '../nn/params.js';
import type { Scope } from '../nn/scope.js';
import { ShapeError } from '../nn/shape-error.js';
import { attentionLayer } from './attention-layout.js';
import { type ActivationObserver, BlockSequence, type LayerInputs, type UNetLayer } from './block-sequence.js';
import type { Context, ContextKeys } from './context-keys.js';
import { Downsample } from './downsample.js';
import { FreeU } from './freeu.js';
import { ResBlock } from './res-block.js';
import { timestepEmbedding } from './timestep-embedding.js';
import { Upsample } from './upsample.js';

/** What one pass of a {@link UNetModel} takes. */
export interface UNetInputs {
  /** Noisy latents [B,H,W,C]. */
  readonly x: tf.Tensor4D;
  /** Timesteps [B], int32 or fractional. */
  readonly t: tf.Tensor1D;
  /** Embeddings [B,L,D], or keys and values made of them by {@link UNetModel.contextKeys}. */
  readonly context?: Context | undefined;
  /** Class of each image [B], int32; with `num_classes`, and only then. */
  readonly labels?: tf.Tensor1D | undefined;
  /** Source of dropout; without it nothing is dropped. */
  readonly rng?: Rng | undefined;
  /** false: keep all activations for the backward pass, also of blocks that are set to recompute them: faster, larger. */
  readonly recompute?: boolean | undefined;
  /** Sees the output of every block and of every layer in it. */
  readonly onActivation?: ActivationObserver | undefined;
}

/**
 * The denoising UNet of latent diffusion (Ho et al. 2020; Dhariwal & Nichol 2021; Rombach et al. 2022, section 3.3).
 * Keys: `time_embed.{0,2}`, `label_emb`, `input_blocks`, `middle_block`, `output_blocks`, `out.{0,2}`, `id_predictor.{0,1}`.
 */
export class UNetModel {
  private readonly timeIn: Linear;
  private readonly timeOut: Linear;
  private readonly labelEmb: Embedding | null;
  private readonly inputBlocks: readonly BlockSequence[];
  private readonly middleBlock: BlockSequence;
  private readonly outputBlocks: readonly BlockSequence[];
  private readonly outNorm: GroupNorm;
  private readonly outConv: Conv2D;
  private readonly idPredictor: { readonly norm: GroupNorm; readonly conv: Conv2D } | null;
  private readonly freeU: FreeU | null;

  constructor(
    private readonly scope: Scope,
    /** What it was built from. */
    readonly config: UNetConfig,
  ) {
    const { modelChannels, outChannels, numClasses, nEmbed } = config;
    const embChannels = 4 * modelChannels;
    this.timeIn = new Linear(scope.at('time_embed.0'), modelChannels, embChannels);
    this.timeOut = new Linear(scope.at('time_embed.2'), embChannels, embChannels);
    this.labelEmb = numClasses === null ? null : new Embedding(scope.at('label_emb'), numClasses, embChannels);
    const { blocks, skips, channels: deepest } = this.declareInputBlocks();
    this.inputBlocks = blocks;
    this.middleBlock = new BlockSequence('middle_block', [
      new ResBlock(scope.at('middle_block.0'), this.resBlock(deepest, deepest)),
      attentionLayer(scope.at('middle_block.1'), config, deepest, { output: false }),
      new ResBlock(scope.at('middle_block.2'), this.resBlock(deepest, deepest)),
    ]);
    const decoder = this.declareOutputBlocks(deepest, skips);
    this.outputBlocks = decoder.blocks;
    this.outNorm = new GroupNorm(scope.at('out.0'), decoder.channels, { epsilon: 1e-5 });
    this.outConv = new Conv2D(scope.at('out.2'), decoder.channels, outChannels, { kernel: 3, zero: true });
    this.idPredictor =
      nEmbed === null
        ? null
        : {
            norm: new GroupNorm(scope.at('id_predictor.0'), decoder.channels, { epsilon: 1e-5 }),
            conv: new Conv2D(scope.at('id_predictor.1'), decoder.channels, nEmbed, { kernel: 1 }),
          };
    this.freeU = config.enableFreeu ? new FreeU(config) : null;
  }

  /**
   * Project a context to the keys and values of every cross-attention, to be used in place of the context in any number
   * of passes with the same weights. The caller disposes the tensors.
   *
   * @param context [B,L,context_dim]
   */
  contextKeys(p: Params, context: tf.Tensor3D): ContextKeys {
    this.checkContext(context);
    const blocks = [...this.inputBlocks, this.middleBlock, ...this.outputBlocks];
    return tf.tidy(() => Object.assign({}, ...blocks.map((block) => block.contextKeys(p, context))) as ContextKeys);
  }

  /**
   * One pass.
   *
   * @returns predicted noise [B,H,W,out_channels] (with `n_embed`: [B,H,W,n_embed])
   * @throws ShapeError on a wrong number of channels, sizes that do not halve evenly, or a context of another width; Error
   *   on a context or labels that the config does not take
   */
  forward(p: Params, { x, t, context = null, labels, rng, recompute, onActivation }: UNetInputs): tf.Tensor4D {
    this.checkInputs(x, context, labels);
    return tf.tidy(() => {
      const emb = this.embed(p, t, labels, onActivation);
      const inputs: LayerInputs = { emb, context, rng, recompute, onActivation };
      const skips: tf.Tensor4D[] = [];
      let h = x;
      for (const block of this.inputBlocks) {
        h = block.forward(p, h, inputs);
        skips.push(h);
      }
      h = this.middleBlock.forward(p, h, inputs);
      for (const block of this.outputBlocks) {
        const popped = skips.pop()!;
        const joined = this.freeU ? this.freeU.apply(h, popped) : { h, skip: popped };
        h = block.forward(p, tf.concat([joined.h, joined.skip], 3), inputs);
      }
      const part = this.idPredictor ? 'id_predictor' : 'out';
      const y = this.idPredictor
        ? this.idPredictor.conv.forward(p, this.idPredictor.norm.forward(p, h))
        : this.outConv.forward(p, this.outNorm.forward(p, h, 'silu'));
      onActivation?.(part, y);
      return y;
    });
  }

  /** @returns time (and class) embedding [B,4C] */
  private embed(p: Params, t: tf.Tensor1D, labels?: tf.Tensor1D, onActivation?: ActivationObserver): tf.Tensor2D {
    const sines = timestepEmbedding(t, this.config.modelChannels);
    const time = this.timeOut.forward(p, silu(this.timeIn.forward(p, sines))) as tf.Tensor2D;
    onActivation?.('time_embed', time);
    if (this.labelEmb === null) return time;
    const label = this.labelEmb.forward(p, labels!) as tf.Tensor2D;
    onActivation?.('label_emb', label);
    return tf.add(time, label);
  }

  private declareInputBlocks(): { blocks: BlockSequence[]; skips: number[]; channels: number } {
    const { config, scope } = this;
    const { inChannels, modelChannels, channelMult, numResBlocks, attentionResolutions } = config;
    const first = new Conv2D(scope.at('input_blocks.0.0'), inChannels, modelChannels, { kernel: 3 });
    const blocks = [new BlockSequence('input_blocks.0', [first])];
    const skips = [modelChannels];
    let channels = modelChannels;
    const append = (layers: (at: Scope) => UNetLayer[]) => {
      const path = `input_blocks.${blocks.length}`;
      blocks.push(new BlockSequence(path, layers(scope.at(path))));
      skips.push(channels);
    };
    channelMult.forEach((mult, level) => {
      const out = mult * modelChannels;
      for (let i = 0; i < numResBlocks; i++) {
        const from = channels;
        channels = out;
        append((at) => {
          const block = new ResBlock(at.at(0), this.resBlock(from, out));
          if (!attentionResolutions.includes(2 ** level)) return [block];
          return [block, attentionLayer(at.at(1), config, out, { output: false })];
        });
      }
      if (level < channelMult.length - 1) append((at) => [this.down(at.at(0), channels)]);
    });
    return { blocks, skips, channels };
  }

  private declareOutputBlocks(deepest: number, skips: number[]): { blocks: BlockSequence[]; channels: number } {
    const { config, scope } = this;
    const { modelChannels, channelMult, numResBlocks, attentionResolutions } = config;
    const blocks: BlockSequence[] = [];
    let channels = deepest;
    for (let level = channelMult.length - 1; level >= 0; level--) {
      const out = channelMult[level]! * modelChannels;
      for (let i = 0; i <= numResBlocks; i++) {
        const path = `output_blocks.${blocks.length}`;
        const at = scope.at(path);
        const layers: UNetLayer[] = [new ResBlock(at.at(0), this.resBlock(channels + skips.pop()!, out))];
        if (attentionResolutions.includes(2 ** level))
          layers.push(attentionLayer(at.at(1), config, out, { output: true }));
        if (level > 0 && i === numResBlocks) layers.push(this.up(at.at(layers.length), out));
        blocks.push(new BlockSequence(path, layers));
        channels = out;
      }
    }
    return { blocks, channels };
  }

  private resBlock(channels: number, outChannels: number) {
    const { modelChannels, dropout, useScaleShiftNorm, useCheckpoint } = this.config;
    return { channels, outChannels, embChannels: 4 * modelChannels, dropout, useScaleShiftNorm, useCheckpoint };
  }

  private down(scope: Scope, channels: number): UNetLayer {
    if (this.config.resblockUpdown) return new ResBlock(scope, { ...this.resBlock(channels, channels), down: true });
    return new Downsample(scope, { channels, useConv: this.config.convResample });
  }

  private up(scope: Scope, channels: number): UNetLayer {
    if (this.config.resblockUpdown) return new ResBlock(scope, { ...this.resBlock(channels, channels), up: true });
    return new Upsample(scope, { channels, useConv: this.config.convResample });
  }

  private checkInputs(x: tf.Tensor4D, context: Context, labels?: tf.Tensor1D): void {
    const { inChannels, channelMult, numClasses } = this.config;
    const where = `unet '${this.scope.path}'`;
    const [, H, W, C] = x.shape;
    if (C !== inChannels) throw new ShapeError(where, 'x', x.shape, `[B,H,W,${inChannels}] (in_channels)`);
    const factor = 2 ** (channelMult.length - 1);
    if (H % factor !== 0 || W % factor !== 0) {
      throw new ShapeError(where, 'x', x.shape, `height and width that are multiples of ${factor}, so that skips fit`);
    }
    if ((labels !== undefined) !== (numClasses !== null)) {
      throw new Error(
        labels
          ? `${where}: labels given, but num_classes is not set`
          : `${where}: num_classes is ${numClasses}, so labels [B] are needed`,
      );
    }
    if (context instanceof tf.Tensor) this.checkContext(context);
  }

  private checkContext(context: tf.Tensor3D): void {
    const { contextDim, useSpatialTransformer } = this.config;
    if (!useSpatialTransformer) {
      throw new Error(
        `unet '${this.scope.path}': context given, but without use_spatial_transformer nothing attends to it`,
      );
    }
    if (context.rank !== 3 || context.shape[2] !== contextDim) {
      const wanted = `[B,L,${contextDim}] (context_dim)`;
      throw new ShapeError(`unet '${this.scope.path}'`, 'context', context.shape, wanted, 'check cond_stage_config');
    }
  }
}
