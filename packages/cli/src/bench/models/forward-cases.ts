import { compile, profile } from '@codiff/engine';
import { BERTEmbedder, type Params, type UNetConfig } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, BenchSpec } from '../case.js';
import { autoencoderOf, type BenchModel, composeOf, diffusionOf } from './bench-model.js';
import { countFlops } from './flops.js';
import { probe } from './inputs.js';
import { FORMULA, formulaSource, type Source } from './source.js';

/** Tokens of a text and of a mask. */
export const TOKENS = { text: 77, seg_mask: 19 } as const;

/** The timestep that every denoiser is asked at. */
export const STEP = 500;

/** A function of weights and inputs, and both. */
export interface Forward {
  readonly p: Params;
  readonly inputs: readonly tf.Tensor[];
  readonly run: (p: Params, ...inputs: tf.Tensor[]) => tf.Tensor;
}

/** One forward pass of a part of a model, compiled. */
export function forwardCase(
  bench: BenchModel,
  { batch, precision, name, mode }: BenchSpec,
  source: Source = formulaSource(precision),
): BenchCase {
  const { p, inputs, run } = forwardOf(bench, batch, source);
  const compiled = compile(run, { name, precision, xla: mode === 'xla' });
  const counted = compile(run, { name: `${name}:count`, precision });
  let last: number[] = [];
  return {
    flops: () => countFlops(() => counted(p, ...inputs)).finally(() => counted.dispose()),
    probe: () => last,
    profile: () => profile(run, [p, ...inputs], { name, precision }),
    run: async (called) => {
      const y = compiled(p, ...inputs);
      called();
      last = probe(await y.data(), y.shape);
      y.dispose();
    },
  };
}

/** Width of a UNet's context. @throws Error if it takes none */
export function contextWidth({ contextDim }: Pick<UNetConfig, 'contextDim'>): number {
  if (contextDim !== null) return contextDim;
  throw new Error('bench: the UNet takes no context; wanted one with a spatial transformer');
}

/** The part of a model that a benchmark is of. */
export function forwardOf(bench: BenchModel, batch: number, source: Source = FORMULA): Forward {
  const t = source.steps(batch, STEP);
  switch (bench.bench) {
    case 'unet': {
      const model = diffusionOf(bench);
      const { imageSize: side, channels } = model.config;
      const prefix = 'model.diffusion_model.';
      const context = source.input('text', [batch, TOKENS.text, contextWidth(model.model.unet.config)]);
      return {
        p: source.weights(bench, (key) => key.startsWith(prefix), prefix),
        inputs: [source.image('x', [batch, side, side, channels]), t, context],
        run: (p, x, t, context) => model.applyModel(p, x as tf.Tensor4D, t as tf.Tensor1D, context!),
      };
    }
    case 'dynamic-diffuser': {
      const model = composeOf(bench);
      const { imageSize: side, channels } = model.config;
      const context = source.input('text', [batch, TOKENS.text, contextWidth(model.unet.predictorConfig)]);
      return {
        p: source.weights(bench, (key) => key.startsWith('model.text_confidence_predictor.')),
        inputs: [source.image('x', [batch, side, side, channels]), t, context],
        run: (p, x, t, text) =>
          model.unet.influenceLogits(p, 'text', x as tf.Tensor4D, {
            t: t as tf.Tensor1D,
            contexts: { text: text as tf.Tensor3D },
          }),
      };
    }
    case 'codiff-step': {
      const model = composeOf(bench);
      const { imageSize: side, channels } = model.config;
      const p = source.weights(bench, (key) => key.startsWith('model.'));
      // Keys and values of the conditions are made once an image, not in every step.
      const D = contextWidth(model.unet.predictorConfig);
      const contexts = source.made(
        (p: Params, seg_mask: tf.Tensor3D, text: tf.Tensor3D) => model.contextKeys(p, { seg_mask, text }),
        [
          p,
          source.input('seg_mask', [batch, TOKENS.seg_mask, D]) as tf.Tensor3D,
          source.input('text', [batch, TOKENS.text, D]) as tf.Tensor3D,
        ],
      );
      return {
        p,
        inputs: [source.image('x', [batch, side, side, channels]), t],
        run: (p, x, t) => model.mix(p, { x: x as tf.Tensor4D, t: t as tf.Tensor1D, contexts }).eps,
      };
    }
    case 'vae-decode':
    case 'vae-encode': {
      const { vae, prefix } = autoencoderOf(bench);
      const { resolution, inChannels, zChannels, chMult } = vae.shape.ddconfig;
      const isDecode = bench.bench === 'vae-decode';
      const side = isDecode ? resolution / 2 ** (chMult.length - 1) : resolution;
      const image = source.image(isDecode ? 'x' : 'image', [batch, side, side, isDecode ? zChannels : inChannels]);
      return {
        p: source.weights(bench, (key) => key.startsWith(prefix) && !key.startsWith('loss.'), prefix),
        inputs: [image],
        run: (p, x) => (isDecode ? vae.decode(p, x as tf.Tensor4D) : vae.encodeMoments(p, x as tf.Tensor4D)),
      };
    }
    default: {
      const { condStage } = diffusionOf(bench);
      if (!(condStage instanceof BERTEmbedder)) {
        throw new Error(`bench text-encoder: ${bench.path} has no text encoder; wanted e.g. configs/512_text.yaml`);
      }
      const prefix = 'cond_stage_model.';
      return {
        p: source.weights(bench, (key) => key.startsWith(prefix), prefix),
        inputs: [source.ids(batch, condStage.config.maxSeqLen)],
        run: (p, ids) => condStage.forward(p, ids as tf.Tensor2D),
      };
    }
  }
}
