import {
  type ContextKeys,
  offTape,
  type Params,
  type Rng,
  type Scope,
  tidyTree,
  type UNetModel,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { type Collaborator, collaborate } from '../collaborate.js';
import type { ComposeUNetConfig } from '../config/compose-unet-config.js';
import type { Condition } from '../config/conditions.js';
import type { MixedNoise } from '../noise-mix.js';
import { type ComposeOptions, composeOptions } from './compose-options.js';
import { type ByCondition, type Contexts, checkConditions } from './contexts.js';

/** How a {@link ComposeUNet} gets its networks: each declares itself at the scope it is given. */
export interface ComposeUNetParts {
  /** The dynamic diffuser; called once a condition, weights are not shared. */
  readonly predictor: (scope: Scope) => UNetModel;
  /** The denoiser of a branch. */
  readonly unet: (condition: Condition, scope: Scope) => UNetModel;
}

/** What one pass of a {@link ComposeUNet} takes. */
export interface ComposeInputs {
  /** Noisy latents [B,H,W,C]. */
  readonly x: tf.Tensor4D;
  /** Timesteps [B]; schedules read the first. */
  readonly t: tf.Tensor1D;
  readonly contexts: Contexts;
  /** Source of dropout in the dynamic diffusers; without it nothing is dropped. */
  readonly rng?: Rng | undefined;
  /** The branches count as constants, and their intermediate results are not kept for a backward pass. Default false. */
  readonly frozen?: boolean | undefined;
}

/**
 * The UNets of all branches and their dynamic diffusers. Static structure only. Keys:
 * `<condition>_confidence_predictor.diffusion_model` (the dynamic diffuser), `<condition>_unet.diffusion_model`.
 */
export class ComposeUNet {
  /** What is mixed how, if nothing else is said: the config's options. */
  readonly options: ComposeOptions;
  private readonly predictors: ReadonlyMap<Condition, UNetModel>;
  private readonly unets: ReadonlyMap<Condition, UNetModel>;

  constructor(
    scope: Scope,
    /** What it was built from. */
    readonly config: ComposeUNetConfig,
    parts: ComposeUNetParts,
  ) {
    const { conditions } = config;
    const declare = (part: string, build: (condition: Condition, at: Scope) => UNetModel) =>
      new Map(conditions.map((condition) => [condition, build(condition, scope.at(`${condition}_${part}`))]));
    this.options = composeOptions(config, conditions);
    this.predictors = declare('confidence_predictor', (_, at) => parts.predictor(at.at('diffusion_model')));
    this.unets = declare('unet', (condition, at) => parts.unet(condition, at.at('diffusion_model')));
  }

  /** The config of the dynamic diffusers, which is one for all. */
  get predictor(): UNetModel['config'] {
    return this.predictors.get(this.conditions[0]!)!.config;
  }

  /** The modalities that cooperate. */
  get conditions(): readonly Condition[] {
    return this.config.conditions;
  }

  /**
   * Keys and values of every cross-attention of both networks of each branch: all of a step that depends on neither x nor
   * t. To be used in place of the embeddings in any number of passes with the same weights. The caller owns them.
   * @param embeddings of every condition, each [B,L,D]
   */
  contextKeys(p: Params, embeddings: ByCondition<tf.Tensor3D>): ByCondition<ContextKeys> {
    checkConditions('compose unet', Object.keys(embeddings), this.conditions);
    const keysOf = (condition: Condition): ContextKeys => {
      const networks = [this.predictors.get(condition)!, this.unets.get(condition)!];
      return Object.assign({}, ...networks.map((net) => net.contextKeys(p, embeddings[condition]!)));
    };
    return tidyTree(() => Object.fromEntries(this.conditions.map((condition) => [condition, keysOf(condition)])));
  }

  /**
   * One pass of every network, mixed.
   * @throws RangeError for conditions or rules that are not the model's, ShapeError for tensors that do not fit
   */
  mix(p: Params, inputs: ComposeInputs, options: ComposeOptions = this.options): MixedNoise {
    const { rules, ruled, ...mixing } = options;
    checkConditions('compose unet', Object.keys(inputs.contexts), this.conditions);
    checkConditions(
      'compose unet, rules',
      rules.map(({ name }) => name),
      this.conditions,
    );
    const collaborators = this.conditions.map((condition) => this.collaborator(p, condition, inputs));
    const ruledBy = collaborators.map((one) => ({ ...rules.find(({ name }) => name === one.name)!, ...one }));
    return collaborate(ruledBy, mixing)(inputs.x, inputs.t, ruled);
  }

  /**
   * What the dynamic diffuser of one condition says, before any softmax.
   * @param input latents, or the branch's noise, as the options' `influenceInput` says [B,H,W,C]
   * @returns logits [B,H,W,1]
   */
  influenceLogits(
    p: Params,
    condition: Condition,
    input: tf.Tensor4D,
    { t, contexts, rng }: Omit<ComposeInputs, 'x'>,
  ): tf.Tensor4D {
    const predictor = this.predictors.get(condition);
    const context = contexts[condition];
    if (predictor === undefined || context === undefined) {
      throw new RangeError(`compose unet: no '${condition}'; the conditions are [${this.conditions.join(', ')}]`);
    }
    return predictor.forward(p, { x: input, t, context, rng: rng?.split(condition) });
  }

  private collaborator(
    p: Params,
    condition: Condition,
    inputs: ComposeInputs,
  ): Pick<Collaborator, 'name' | 'eps' | 'influence'> {
    const context = inputs.contexts[condition]!;
    const unet = this.unets.get(condition)!;
    return {
      name: condition,
      eps: (x, t) => {
        const forward = () => unet.forward(p, { x, t, context });
        return inputs.frozen ? offTape(() => tf.tidy(forward)) : forward();
      },
      influence: (input) => this.influenceLogits(p, condition, input, inputs),
    };
  }
}
