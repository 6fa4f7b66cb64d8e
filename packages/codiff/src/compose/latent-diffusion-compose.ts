import {
  type AutoencoderKL,
  type ContextKeys,
  conditionTimesteps,
  type DiffusionLosses,
  declareEma,
  LatentScale,
  makeSchedule,
  noiseCondition,
  type Params,
  pLosses,
  qSample,
  type Rng,
  type Schedule,
  type Scope,
  scheduleBuffers,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Condition } from '../config/conditions.js';
import { checkpointField, type LatentDiffusionComposeConfig } from '../config/latent-diffusion-compose-config.js';
import type { MixedNoise } from '../noise-mix.js';
import { branchPrefixes } from './branch-keys.js';
import type { ComposeCondStage } from './compose-cond-stage.js';
import type { ComposeOptions } from './compose-options.js';
import type { ComposeInputs, ComposeUNet } from './compose-unet.js';
import type { ByCondition, Contexts } from './contexts.js';

/** How a {@link LatentDiffusionCompose} gets its parts: each declares itself at the scope it is given. */
export interface LatentDiffusionComposeParts {
  readonly unet: (scope: Scope) => ComposeUNet;
  /** The text branch's. */
  readonly firstStage: (scope: Scope) => AutoencoderKL<unknown>;
  readonly condStage: (scope: Scope) => ComposeCondStage;
}

/** One batch of {@link LatentDiffusionCompose.losses}; nothing is drawn inside. */
export interface ComposeBatch {
  /** Clean latents, scaled [B,H,W,C]. */
  readonly x0: tf.Tensor4D;
  /** Steps, int32 [B]. */
  readonly t: tf.Tensor1D;
  /** Standard normal [B,H,W,C]. */
  readonly noise: tf.Tensor4D;
  /** Embeddings, each [B,L,D]: keys and values made beforehand would hide the dynamic diffusers' from the gradient. */
  readonly embeddings: ByCondition<tf.Tensor3D>;
  readonly rng?: Rng | undefined;
  /** Uniform in [0,1) []; needed where the config's `manual_prob` lies in [0,1). */
  readonly draw?: tf.Scalar | undefined;
}

/** Schedule arrays that the original keeps out of its checkpoints. */
const NOT_STORED = 'lvlb_weights';

/** Where a branch's checkpoint and the model's keep a factor that was measured. */
const SCALE = [['scale_factor', 'scale_factor']] as const;

/** What alone is trained. */
const DYNAMIC_DIFFUSER = /^model\.[^.]+_confidence_predictor\./;

/**
 * A collaborative diffusion model (Huang et al., CVPR 2023): frozen latent diffusion models of one condition each, and the
 * dynamic diffusers that weigh them. Static structure only; weights are the `Params` that every method takes, options
 * are arguments, and nothing is remembered between calls.
 *
 * Keys: 12 schedule arrays, `scale_factor` (if measured), `model`, `model_ema` (of the dynamic diffusers, with `use_ema`),
 * `first_stage_model`, `cond_stage_model`.
 */
export class LatentDiffusionCompose {
  readonly schedule: Schedule;
  readonly unet: ComposeUNet;
  readonly firstStage: AutoencoderKL<unknown>;
  readonly condStage: ComposeCondStage;
  private readonly scale: LatentScale;
  private readonly conditionSteps: Int32Array | null;

  constructor(
    private readonly scope: Scope,
    /** What it was built from. */
    readonly config: LatentDiffusionComposeConfig,
    parts: LatentDiffusionComposeParts,
  ) {
    this.schedule = makeSchedule({ ...config, givenBetas: undefined });
    for (const [name, values] of scheduleBuffers(this.schedule)) {
      if (name !== NOT_STORED) scope.buffer(name, [values.length], { kind: 'values', values });
    }
    this.scale = new LatentScale(scope, config);
    const { timesteps, numTimestepsCond } = config;
    this.conditionSteps = numTimestepsCond > 1 ? conditionTimesteps(timesteps, numTimestepsCond) : null;
    this.unet = parts.unet(scope.at('model'));
    if (config.useEma) declareEma(scope, 'model', (key) => this.isTrained(key));
    this.firstStage = parts.firstStage(scope.at('first_stage_model'));
    this.condStage = parts.condStage(scope.at('cond_stage_model'));
    for (const condition of this.conditions) {
      const file = config[checkpointField[condition]];
      // The branches were trained with a factor; measured anew it would be another.
      const scale = condition === 'text' && config.scaleFactor === 'auto' ? SCALE : [];
      if (file !== null) scope.startFrom(file, [], [...branchPrefixes(condition), ...scale]);
    }
    if (config.ckptPath !== null) scope.startFrom(config.ckptPath, config.ignoreKeys);
  }

  /** The modalities that cooperate, in the order of their influence maps. */
  get conditions(): readonly Condition[] {
    return this.unet.conditions;
  }

  /** Whether training changes a parameter of this model: only the dynamic diffusers' are. */
  isTrained(key: string): boolean {
    return DYNAMIC_DIFFUSER.test(this.scope.path === '' ? key : key.slice(this.scope.path.length + 1));
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

  /** Encode every condition, once a prompt; see `ComposeCondStage.forward`. */
  encodeConditions(p: Params, inputs: ByCondition<tf.Tensor>): ByCondition<tf.Tensor3D> {
    return this.condStage.forward(p, inputs);
  }

  /**
   * With `num_timesteps_cond` above 1, conditions are noised too, in training and in ancestral sampling; see
   * `LatentDiffusion.noisedCondition`.
   * @param embeddings each [B,L,D] @param t timesteps of x, int32 [B] @param noise standard normal for a condition [B,L,D]
   * @returns the embeddings at their own timesteps; themselves if the model does not noise them
   */
  noisedConditions(
    embeddings: ByCondition<tf.Tensor3D>,
    t: tf.Tensor1D,
    noise: (condition: string, shape: readonly number[]) => tf.Tensor3D,
  ): ByCondition<tf.Tensor3D> {
    const steps = this.conditionSteps;
    if (steps === null) return embeddings;
    const noised = (name: string, embedding: tf.Tensor3D): tf.Tensor3D =>
      tf.tidy(() => noiseCondition(this.schedule, steps, embedding, t, noise(name, embedding.shape)));
    return Object.fromEntries(Object.entries(embeddings).map(([name, embedding]) => [name, noised(name, embedding)]));
  }

  /** Everything that attention needs of embeddings, once an image; see `ComposeUNet.contextKeys`. The caller owns it. */
  contextKeys(p: Params, embeddings: ByCondition<tf.Tensor3D>): ByCondition<ContextKeys> {
    return this.unet.contextKeys(p, embeddings);
  }

  /**
   * One collaborative step: what all branches and dynamic diffusers say at (x, t), mixed.
   * @param options default: those of the config, with which the model is trained
   */
  mix(p: Params, inputs: ComposeInputs, options?: ComposeOptions): MixedNoise {
    return this.unet.mix(p, inputs, options);
  }

  /**
   * The training loss of a batch (Ho et al. 2020, equation 14), differentiable by the dynamic diffusers: the branches are
   * constants in it.
   * @param options default: those of the config, which `manual_prob` may pass over
   */
  losses(p: Params, batch: ComposeBatch, options?: ComposeOptions): DiffusionLosses {
    const { x0, t, noise, embeddings, rng, draw } = batch;
    const output = tf.tidy(() => {
      const x = qSample(this.schedule, x0, t, noise);
      const contexts: Contexts = embeddings;
      const ruled = options === undefined ? this.unet.ruledBy(draw) : undefined;
      return this.mix(p, { x, t, contexts, rng, ruled, frozen: true }, options).eps;
    });
    const losses = pLosses(this.schedule, { x0, t, noise, output, logvar: this.config.logvarInit }, this.config);
    output.dispose();
    return losses;
  }
}
