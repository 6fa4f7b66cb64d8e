import {
  type AutoencoderConfig,
  type AutoencoderKL,
  adamDefaults,
  discriminatorPass,
  equalParts,
  type GanLoss,
  type GanPassInputs,
  generatorPass,
  type LPIPSWithDiscriminator,
  type ParamSpec,
  type Params,
  partsOf,
  planUpdates,
  Rng,
  tidyTree,
  type UpdatePlan,
  type UpdateRule,
  valueAndGrads,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { stepRng } from '../parallel/replicas.js';
import { meanOfParts } from './mean-of-parts.js';
import { applyGradients, initGroup } from './optim-group.js';
import type {
  EvaluateControl,
  Logs,
  OptimGroup,
  StepControl,
  TensorBatch,
  Training,
  TrainState,
  UpdateOptions,
} from './train-state.js';

/** An autoencoder with the loss it is trained by. */
export type GanAutoencoder = AutoencoderKL<LPIPSWithDiscriminator>;

/** How an autoencoder is trained. */
export interface VaeTrainingOptions extends UpdateOptions {
  readonly lr: number;
  /** Rates of groups of weights, ahead of `lr`; the first that matches wins. Default: none. */
  readonly rules?: readonly UpdateRule[];
  /** Of both optimizers; 0.5 and 0.9 by default. */
  readonly betas?: readonly [number, number];
  /** Parts of a batch that are computed side by side, where there is no discriminator: it looks at whole batches. Default 1. */
  readonly branches?: number | undefined;
}

/** The update plans of the two optimizers. */
export interface VaePlans {
  readonly autoencoder: UpdatePlan;
  readonly discriminator: UpdatePlan;
}

/** What both passes over a batch take. */
export interface VaeBatch {
  /** [B,H,W,C], -1 to 1. */
  readonly images: tf.Tensor4D;
  /** Standard normal, a draw for each pass [B,h,w,embed_dim]. */
  readonly noise: { readonly autoencoder: tf.Tensor4D; readonly discriminator: tf.Tensor4D };
  /** Source of dropout; absent: none. */
  readonly dropout?: Rng;
}

const DISCRIMINATOR = 'loss.discriminator.';

/** Whether the discriminator's optimizer, not the autoencoder's, trains a key. `loss.logvar` and LPIPS are in neither. */
const isDiscriminator = (key: string): boolean => key.startsWith(DISCRIMINATOR);

/** The two Adam optimizers of the original: autoencoder and discriminator, at one rate. */
export function vaePlans(
  specs: ReadonlyMap<string, ParamSpec>,
  { lr, rules = [], betas = [0.5, 0.9] }: Pick<VaeTrainingOptions, 'lr' | 'rules' | 'betas'>,
): VaePlans {
  const defaults = { ...adamDefaults, betas };
  return {
    autoencoder: planUpdates(specs, [{ match: /^loss\./, lr: null }, ...rules, { match: /./, lr }], defaults),
    discriminator: planUpdates(
      specs,
      [{ match: /^(?!loss\.discriminator\.)/, lr: null }, ...rules, { match: /./, lr }],
      defaults,
    ),
  };
}

/** Divide an autoencoder's weights for training. */
export function divideVae(
  params: Params,
  specs: ReadonlyMap<string, ParamSpec>,
  plans: VaePlans,
  options: UpdateOptions,
) {
  const of = (plan: UpdatePlan): OptimGroup =>
    initGroup(
      params.filter((key) => plan.has(key)),
      plan,
      options,
    );
  const groups = { autoencoder: of(plans.autoencoder), discriminator: of(plans.discriminator) };
  const buffers = params.filter((key) => isDiscriminator(key) && specs.get(key)?.kind === 'buffer');
  const inState = (key: string) => plans.autoencoder.has(key) || plans.discriminator.has(key) || buffers.has(key);
  return { frozen: params.filter((key) => !inState(key)), state: { groups, ema: null, buffers } satisfies TrainState };
}

/**
 * Both passes over a batch, each with an update: first the autoencoder's, then the discriminator's on a reconstruction by
 * what the first made of it (original, section 10). LPIPS is always in evaluation; the discriminator is in training, so its
 * statistics move in both passes.
 */
export function vaeStep(
  vae: GanAutoencoder,
  plans: VaePlans,
  options: UpdateOptions & Pick<VaeTrainingOptions, 'branches'>,
  state: TrainState,
  frozen: Params,
  { images, noise, dropout }: VaeBatch,
  control: Omit<StepControl, 'seed'>,
): [TrainState, Logs] {
  return tidyTree(() => {
    const discFactor = discFactorAt(vae, control.globalStep);
    const { replicas, branches = 1 } = options;
    const of = vae.loss.usesDiscriminator ? 1 : equalParts(images.shape[0], branches);
    let current = state;
    const logs: Record<string, tf.Scalar> = {};
    const passes = vae.loss.usesDiscriminator
      ? (['autoencoder', 'discriminator'] as const)
      : (['autoencoder'] as const);
    for (const name of passes) {
      const pass = name === 'autoencoder' ? generatorPass : discriminatorPass;
      const shared = { discFactor, train: true, replicas: replicas?.sharing(`pass of ${name}`) };
      const parts = partsOf(of, { images, noise: noise[name] });
      const all = weightsIn(current, frozen);
      const { value, grads } = valueAndGrads(
        (p) =>
          meanOf(
            parts.map((part, index) => {
              const rng = dropout?.split(name).rows({ index, of });
              return pass(vae, all.merge(p), { ...shared, ...part, rng });
            }),
          ),
        current.groups[name]!.params,
      );
      // A first batch may set weights (ActNorm), which the optimizer then moves.
      current = withValues(current, value.buffers);
      const next = applyGradients(name, current.groups[name]!, grads, plans[name], control, options);
      current = { ...current, groups: { ...current.groups, [name]: next.group } };
      for (const [log, scalar] of Object.entries(value.logs)) logs[`train/${log}`] = scalar;
      if (next.norm) logs[`train/grad_norm_${name}`] = next.norm;
    }
    return [current, logs];
  });
}

/**
 * Training of an autoencoder with its GAN loss.
 * @param config the part of the model's config that says how large latents are, and where images lie in a batch
 */
export function vaeTraining(
  vae: GanAutoencoder,
  specs: ReadonlyMap<string, ParamSpec>,
  config: Pick<AutoencoderConfig, 'ddconfig' | 'embedDim' | 'imageKey'>,
  options: VaeTrainingOptions,
): Training {
  const plans = vaePlans(specs, options);
  const draw = (batch: TensorBatch, rng: Rng): VaeBatch => {
    const images = batch[config.imageKey];
    if (images?.rank !== 4) {
      throw new Error(
        `training: the batch holds ${Object.keys(batch).join(', ')}; images [B,H,W,C] are wanted under '${config.imageKey}' (image_key)`,
      );
    }
    const [B, H, W] = images.shape as [number, number, number, number];
    const halvings = config.ddconfig.chMult.length - 1;
    const side = (size: number) => Math.floor(size / 2 ** halvings);
    const normal = (label: string) => rng.split(label).normal<tf.Rank.R4>([B, side(H), side(W), config.embedDim]);
    return {
      images: images as tf.Tensor4D,
      noise: { autoencoder: normal('autoencoder'), discriminator: normal('discriminator') },
    };
  };
  return {
    divide: (params) => divideVae(params, specs, plans, options),
    weights: ({ frozen, state }) => weightsIn(state, frozen),
    step: (state, frozen, batch, control) =>
      tidyTree(() => {
        const rng = stepRng(control.seed, options.replicas);
        const drawn = { ...draw(batch, rng), dropout: rng.split('dropout') };
        return vaeStep(vae, plans, options, state, frozen, drawn, control);
      }),
    evaluate: (state, frozen, batch, control) =>
      tidyTree(() => evaluateVae(vae, weightsIn(state, frozen), draw(batch, Rng.from(control.seed)), control)),
  };
}

/** Of a batch in parts. Without a discriminator no pass changes buffers. */
function meanOf(parts: readonly GanLoss[]): GanLoss {
  return {
    ...parts[0]!,
    ...meanOfParts(parts.map(({ loss }) => ({ loss }))),
    logs: meanOfParts(parts.map(({ logs }) => logs)),
  };
}

/** Losses without gradients, so d_weight is 0, as where the original validates. */
function evaluateVae(
  vae: GanAutoencoder,
  p: Params,
  { images, noise }: VaeBatch,
  { globalStep }: Pick<EvaluateControl, 'globalStep'>,
): Logs {
  const shared = { images, discFactor: discFactorAt(vae, globalStep), train: false, adaptive: false };
  const inputs = (name: keyof VaeBatch['noise']): GanPassInputs => ({ ...shared, noise: noise[name] });
  const { logs } = generatorPass(vae, p, inputs('autoencoder'));
  const judged = vae.loss.usesDiscriminator ? discriminatorPass(vae, p, inputs('discriminator')).logs : {};
  const all = { ...logs, ...judged };
  return Object.fromEntries(Object.entries(all).map(([name, scalar]) => [`val/${name}`, scalar]));
}

/** `LPIPSWithDiscriminator.discFactorAt` of a step that is known only when the function runs. */
function discFactorAt({ loss: { config } }: GanAutoencoder, globalStep: tf.Scalar): tf.Scalar {
  const started = tf.greaterEqual(globalStep, tf.scalar(config.discStart, 'int32'));
  return tf.mul(tf.cast(started, 'float32'), config.discFactor) as tf.Scalar;
}

/** All weights as they are now. */
function weightsIn({ groups, buffers }: TrainState, frozen: Params): Params {
  return Object.values(groups).reduce((all, { params }) => all.merge(params), frozen.merge(buffers));
}

/** The state with other values of some keys, wherever it holds them. */
function withValues(state: TrainState, values: Params): TrainState {
  const into = (params: Params): Params => params.map((tensor, key) => values.get(key) ?? tensor);
  const groups = Object.entries(state.groups).map(([name, group]) => [name, { ...group, params: into(group.params) }]);
  return { ...state, groups: Object.fromEntries(groups) as TrainState['groups'], buffers: into(state.buffers) };
}
