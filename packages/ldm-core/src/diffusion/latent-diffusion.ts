import * as tf from '@tensorflow/tfjs-core';
import { conditioningOf, IS_FIRST_STAGE, type LatentDiffusionConfig } from '../config/latent-diffusion-config.js';
import type { Rng } from '../nn/dropout.js';
import type { Params } from '../nn/params.js';
import type { ParamKey, Scope } from '../nn/scope.js';
import type { ActivationObserver } from '../unet/block-sequence.js';
import type { ContextKeys } from '../unet/context-keys.js';
import { type ConditionInputs, DiffusionWrapper } from '../unet/diffusion-wrapper.js';
import type { UNetModel } from '../unet/unet.js';
import type { AutoencoderKL } from '../vae/autoencoder.js';
import { posteriorMode } from '../vae/posterior.js';
import { conditionTimesteps, noiseCondition } from './condition-noise.js';
import { qSample } from './ddpm.js';
import type { Denoise } from './denoise.js';
import { declareEma } from './ema-buffers.js';
import { LatentScale } from './latent-scale.js';
import { type DiffusionLosses, pLosses } from './p-losses.js';
import { makeSchedule, type Schedule, scheduleBuffers } from './schedule.js';
import { declareAgain } from './shared-stage.js';

/** What turns a condition (token ids, a mask) into embeddings. */
export interface ConditionEncoder {
  /** @returns context [B,L,D] */
  forward(p: Params, input: tf.Tensor, options?: { readonly rng?: Rng | undefined }): tf.Tensor;
}

/** How a {@link LatentDiffusion} gets its parts: each declares itself at the scope it is given. */
export interface LatentDiffusionParts {
  readonly unet: (scope: Scope) => UNetModel;
  readonly firstStage: (scope: Scope) => AutoencoderKL<unknown>;
  /** null: no encoder of its own (`__is_unconditional__`, `__is_first_stage__`). */
  readonly condStage: ((scope: Scope) => ConditionEncoder) | null;
}

/** A condition as the network takes it: encoded, by what the model's conditioning says, or spelt out. */
export type EncodedCondition = tf.Tensor | ContextKeys | ConditionInputs | null;

/** What {@link LatentDiffusion.applyModel} may take besides x, t and condition. */
export interface ApplyOptions {
  /** Source of dropout; without it nothing is dropped. */
  readonly rng?: Rng | undefined;
  readonly onActivation?: ActivationObserver | undefined;
}

/** One batch of {@link LatentDiffusion.losses}; nothing is drawn inside. */
export interface DenoisingBatch {
  /** Clean latents, scaled [B,H,W,C]. */
  readonly x0: tf.Tensor4D;
  /** Steps, int32 [B]. */
  readonly t: tf.Tensor1D;
  /** Standard normal [B,H,W,C]. */
  readonly noise: tf.Tensor4D;
  readonly condition: EncodedCondition;
  readonly rng?: Rng | undefined;
}

/** Schedule arrays that the original keeps out of its checkpoints. */
const NOT_STORED = 'lvlb_weights';

/**
 * A latent diffusion model (Rombach et al. 2022): a UNet that denoises latents, the first stage that makes them, and the
 * encoder of the condition. Static structure only; weights are the `Params` that every method takes.
 *
 * Keys: `logvar` (if learned), 12 schedule arrays, `scale_factor` (if measured), `model.diffusion_model`, `model_ema` (with
 * `use_ema`), `first_stage_model`, `cond_stage_model` (with `__is_first_stage__` the first stage again, name by name).
 */
export class LatentDiffusion {
  /** Noise schedule of T steps. */
  readonly schedule: Schedule;
  /** The UNet with its conditioning. */
  readonly model: DiffusionWrapper;
  /** Between images and latents. */
  readonly firstStage: AutoencoderKL<unknown>;
  /** Encoder of the condition; null where the config names none of its own. */
  readonly condStage: ConditionEncoder | null;
  private readonly logvar: ParamKey<tf.Rank.R1> | null;
  private readonly scale: LatentScale;
  private readonly conditionSteps: Int32Array | null;

  constructor(
    private readonly scope: Scope,
    /** What it was built from. */
    readonly config: LatentDiffusionConfig,
    parts: LatentDiffusionParts,
  ) {
    const { timesteps: T, learnLogvar, logvarInit, numTimestepsCond } = config;
    this.schedule = makeSchedule({ ...config, givenBetas: undefined });
    this.logvar = learnLogvar ? scope.param('logvar', [T], { kind: 'constant', value: logvarInit }) : null;
    for (const [name, values] of scheduleBuffers(this.schedule)) {
      if (name !== NOT_STORED) scope.buffer(name, [T], { kind: 'values', values });
    }
    this.scale = new LatentScale(scope, config);
    this.model = new DiffusionWrapper(scope.at('model'), conditioningOf(config), parts.unet);
    if (config.useEma) declareEma(scope, 'model');
    this.firstStage = parts.firstStage(scope.at('first_stage_model'));
    this.condStage = parts.condStage?.(scope.at('cond_stage_model')) ?? null;
    if (config.condStageConfig === IS_FIRST_STAGE) declareAgain(scope, 'first_stage_model', 'cond_stage_model');
    this.conditionSteps = numTimestepsCond > 1 ? conditionTimesteps(T, numTimestepsCond) : null;
    if (config.ckptPath !== null) scope.startFrom(config.ckptPath, config.ignoreKeys);
  }

  /** Whether training changes a parameter of this model: the UNet, the encoder if it is trained along, a learned logvar. */
  isTrained(key: string): boolean {
    const path = this.scope.path === '' ? key : key.slice(this.scope.path.length + 1);
    if (path === 'logvar' || path.startsWith('model.')) return true;
    return this.config.condStageTrainable && path.startsWith('cond_stage_model.');
  }

  /** Factor between the first stage's latents and the ones diffused; see `LatentScale.of`. */
  scaleFactor(p: Params): number | tf.Scalar {
    return this.scale.of(p);
  }

  /** The `scale_factor` that a first batch gives; see `LatentScale.measure`. */
  measureScale(p: Params, images: tf.Tensor4D, noise: tf.Tensor4D): Params {
    return this.scale.measure(p, this.firstStage, images, noise);
  }

  /** Images [B,H,W,C] to scaled latents [B,h,w,C']; see `LatentScale.encode`. */
  encodeFirstStage(p: Params, images: tf.Tensor4D, noise: tf.Tensor4D): tf.Tensor4D {
    return this.scale.encode(p, this.firstStage, images, noise);
  }

  /** Scaled latents [B,h,w,C'] to images [B,H,W,C]; see `LatentScale.decode`. */
  decodeFirstStage(p: Params, z: tf.Tensor4D): tf.Tensor4D {
    return this.scale.decode(p, this.firstStage, z);
  }

  /**
   * Encode a condition.
   * @param input what the encoder takes: ids [B,L], a mask [B,K,N], or images where the first stage is the encoder
   * @returns embeddings [B,L,D], or the mean latent [B,h,w,C'], not scaled
   * @throws Error if the model is unconditional
   */
  condition(p: Params, input: tf.Tensor, options: { readonly rng?: Rng | undefined } = {}): tf.Tensor {
    if (this.condStage) return this.condStage.forward(p, input, options);
    if (this.config.condStageConfig === IS_FIRST_STAGE) {
      return tf.tidy(() => posteriorMode(this.firstStage.encode(p, input as tf.Tensor4D, options)));
    }
    throw new Error(`latent diffusion '${this.scope.path}': the model is unconditional, so there is nothing to encode`);
  }

  /** Keys and values of embeddings, to be used as the condition of any number of passes. The caller owns them. */
  contextKeys(p: Params, embeddings: tf.Tensor3D): ContextKeys {
    return this.model.contextKeys(p, [embeddings]);
  }

  /**
   * What the network says at (x, t).
   * @param x noisy latents [B,h,w,C'] @param t timesteps [B]
   * @returns predicted noise (x_0 under parameterization x0) [B,h,w,C']
   */
  applyModel(
    p: Params,
    x: tf.Tensor4D,
    t: tf.Tensor1D,
    condition: EncodedCondition,
    options: ApplyOptions = {},
  ): tf.Tensor4D {
    return this.model.forward(p, { x, t, condition: this.inputs(condition), ...options });
  }

  /** The model as samplers see it, with these weights and this condition. Its output counts as noise, as in the original. */
  denoiser(p: Params, condition: EncodedCondition): Denoise {
    return (x, t) => tf.tidy(() => this.applyModel(p, x, tf.fill([x.shape[0]], t, 'int32') as tf.Tensor1D, condition));
  }

  /** The training loss of a batch (Ho et al. 2020, equation 14). Differentiable by every trained parameter. */
  losses(p: Params, { x0, t, noise, condition, rng }: DenoisingBatch): DiffusionLosses {
    const { config, schedule } = this;
    const output = tf.tidy(() => this.applyModel(p, qSample(schedule, x0, t, noise), t, condition, { rng }));
    const logvar = this.logvar ? p.of(this.logvar) : config.logvarInit;
    const losses = pLosses(schedule, { x0, t, noise, output, logvar }, config);
    output.dispose();
    return losses;
  }

  /**
   * With `num_timesteps_cond` above 1, the condition is noised too, in training and in ancestral sampling.
   * @param condition encoded [B,...] @param t timesteps of x, int32 [B] @param noise standard normal, like the condition
   * @returns the condition at its own timesteps; the condition itself if the model does not noise it
   */
  noisedCondition<R extends tf.Rank>(condition: tf.Tensor<R>, t: tf.Tensor1D, noise: tf.Tensor<R>): tf.Tensor<R> {
    return this.conditionSteps ? noiseCondition(this.schedule, this.conditionSteps, condition, t, noise) : condition;
  }

  private inputs(condition: EncodedCondition): ConditionInputs {
    const { conditioning } = this.model;
    if (condition === null) return {};
    if (condition instanceof tf.Tensor) {
      switch (conditioning) {
        case 'crossattn':
          return { crossattn: [condition as tf.Tensor3D] };
        case 'concat':
          return { concat: [condition as tf.Tensor4D] };
        case 'adm':
          return { labels: condition as tf.Tensor1D };
        default:
          throw new Error(
            `latent diffusion '${this.scope.path}': conditioning ${conditioning ?? 'none'} does not take one tensor` +
              (conditioning === 'hybrid' ? '; give { concat, crossattn }' : ''),
          );
      }
    }
    return isSpeltOut(condition) ? condition : { crossattn: condition };
  }
}

function isSpeltOut(condition: ContextKeys | ConditionInputs): condition is ConditionInputs {
  return Object.keys(condition).every((name) => name === 'concat' || name === 'crossattn' || name === 'labels');
}
