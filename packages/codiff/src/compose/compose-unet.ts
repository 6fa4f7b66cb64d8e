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
import { collaborate } from '../collaborate.js';
import type { ComposeUNetConfig } from '../config/compose-unet-config.js';
import type { Condition } from '../config/conditions.js';
import { constantInfluence } from '../constant-influence.js';
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
  /** Whether the rules count in this pass, in place of the options' `ruled`; see {@link ComposeUNet.ruledBy}. */
  readonly ruled?: boolean | tf.Scalar | undefined;
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
  get predictorConfig(): UNetModel['config'] {
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
    const collaborators = this.conditions.map((condition) => ({
      ...rules.find(({ name }) => name === condition)!,
      eps: (x: tf.Tensor4D) => this.branchNoise(p, condition, x, inputs),
      influence: (input: tf.Tensor4D) => this.influenceLogits(p, condition, input, inputs),
    }));
    return collaborate(collaborators, mixing)(inputs.x, inputs.t, inputs.ruled ?? ruled);
  }

  /**
   * One pass as the original's config asks for it: `output`, the mixed noise [B,H,W,C]; with `return_confidence_map` each
   * `<condition>_confidence_map` [B,H,W,1]; with `return_each_branch` each `<condition>_unet_output` [B,H,W,C]. What is not
   * asked for is freed.
   * @throws as {@link mix}
   */
  forward(p: Params, inputs: ComposeInputs): Readonly<Record<string, tf.Tensor4D>> {
    const { returnConfidenceMap, returnEachBranch } = this.config;
    return tidyTree(() => {
      const { eps, influence, branches } = this.mix(p, inputs);
      const named = (part: string, tensors: Readonly<Record<string, tf.Tensor4D>>) =>
        Object.fromEntries(Object.entries(tensors).map(([condition, tensor]) => [`${condition}_${part}`, tensor]));
      return {
        output: eps,
        ...(returnConfidenceMap ? named('confidence_map', influence) : {}),
        ...(returnEachBranch ? named('unet_output', branches) : {}),
      };
    });
  }

  /** Whether chance decides, pass by pass, if the rules count. */
  get drawsRules(): boolean {
    const { manualProb } = this.config;
    return manualProb >= 0 && manualProb < 1;
  }

  /** Whether a rule goes by a batch's first timestep, so that a pass over a part of the batch gives something else. */
  get readsFirstTimestep(): boolean {
    return this.config.manualProb >= 0 && this.options.rules.some(({ schedule }) => schedule != null);
  }

  /**
   * Whether the rules count in a pass, by the config's `manual_prob` (original, section 9).
   * @param draw uniform in [0,1) [], one a pass; needed where {@link drawsRules}
   * @returns true or false where no draw changes it, else a scalar [] of 0 or 1
   * @throws RangeError if a draw is needed and there is none
   */
  ruledBy(draw?: tf.Scalar): boolean | tf.Scalar {
    const { manualProb } = this.config;
    if (!this.drawsRules) return manualProb >= 1;
    if (draw !== undefined) return tf.tidy(() => tf.cast(tf.lessEqual(draw, manualProb), 'float32') as tf.Scalar);
    throw new RangeError(`compose unet: manual_prob is ${manualProb}, so each pass needs a draw in [0,1); give one`);
  }

  /**
   * What one branch predicts on its own.
   * @param x noisy latents [B,H,W,C] @returns noise [B,H,W,C]
   * @throws RangeError for a condition that is not the model's
   */
  branchNoise(p: Params, condition: Condition, x: tf.Tensor4D, inputs: Omit<ComposeInputs, 'x' | 'rng'>): tf.Tensor4D {
    const { t, contexts, frozen = false } = inputs;
    const unet = this.networkOf(condition, this.unets);
    const context = contextOf(condition, contexts);
    const forward = () => unet.forward(p, { x, t, context });
    return frozen ? offTape(forward) : forward();
  }

  /**
   * What the dynamic diffuser of one condition says, before any softmax; constant along what the config says.
   * @param input latents, or the branch's noise, as the options' `influenceInput` says [B,H,W,C]
   * @returns logits [B,H,W,1]
   * @throws RangeError for a condition that is not the model's
   */
  influenceLogits(p: Params, condition: Condition, input: tf.Tensor4D, inputs: Omit<ComposeInputs, 'x'>): tf.Tensor4D {
    const { t, contexts, rng } = inputs;
    const predictor = this.networkOf(condition, this.predictors);
    const context = contextOf(condition, contexts);
    const predict = (told: tf.Tensor1D) =>
      predictor.forward(p, { x: input, t: told, context, rng: rng?.split(condition) });
    return constantInfluence(predict, t, this.config.influence.constantOver);
  }

  private networkOf(condition: Condition, networks: ReadonlyMap<Condition, UNetModel>): UNetModel {
    const network = networks.get(condition);
    if (network !== undefined) return network;
    throw new RangeError(`compose unet: no '${condition}'; the conditions are [${this.conditions.join(', ')}]`);
  }
}

function contextOf(condition: Condition, contexts: Contexts): Contexts[string] {
  const context = contexts[condition];
  if (context !== undefined) return context;
  throw new RangeError(`compose unet: no context of '${condition}', only of [${Object.keys(contexts).join(', ')}]`);
}
