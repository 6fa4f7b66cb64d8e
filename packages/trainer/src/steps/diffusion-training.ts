import {
  type AutoencoderKL,
  type DiffusionLosses,
  emaUpdate,
  equalParts,
  loggedLosses,
  type ParamSpec,
  Params,
  partsOf,
  planUpdates,
  Rng,
  type Schedule,
  samplePosterior,
  tidyTree,
  type UpdatePlan,
  type UpdateRule,
  valueAndGrads,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { cachedPosterior } from '../latents/cached-batch.js';
import { stepRng } from '../parallel/replicas.js';
import { storedAverages, takeAverages } from './averages.js';
import { meanOfParts } from './mean-of-parts.js';
import { applyGradients, initGroup } from './optim-group.js';
import type { Divided, Logs, TensorBatch, Training, UpdateOptions } from './train-state.js';

/** What a step of a diffusion model draws, and the clean latents. */
export interface DiffusionDraws {
  /** Clean latents, scaled [B,h,w,C]. */
  readonly x0: tf.Tensor4D;
  /** Timesteps, int32 [B]. */
  readonly t: tf.Tensor1D;
  /** Standard normal [B,h,w,C]. */
  readonly noise: tf.Tensor4D;
  /** For the noise of conditions. */
  readonly rng: Rng;
  /** Source of dropout; absent in evaluation. */
  readonly dropout?: Rng;
}

/** What sets one diffusion model apart from another, as far as training goes. */
export interface DiffusionTask<C> {
  readonly schedule: Schedule;
  readonly firstStage: AutoencoderKL<unknown>;
  /** Batch key of the image. */
  readonly imageKey: string;
  scaleFactor(p: Params): number | tf.Scalar;
  isTrained(key: string): boolean;
  /** What of the condition needs no gradient: encoded where the encoder is frozen. */
  prepare(frozen: Params, batch: TensorBatch): C;
  /** The loss, differentiable by the trained weights. @param p all weights */
  losses(p: Params, condition: C, draws: DiffusionDraws): DiffusionLosses;
}

/** How a diffusion model is trained. */
export interface DiffusionTrainingOptions extends UpdateOptions {
  readonly lr: number;
  /** Rates of groups of weights, ahead of `lr`; the first that matches wins. Default: none. */
  readonly rules?: readonly UpdateRule[];
  /** Upper limit of the decay of averages, 0.9999 by default. */
  readonly emaDecay?: number;
  /** Parts of a batch that are computed side by side; the engine's branches. Default 1. */
  readonly branches?: number | undefined;
}

const GROUP = 'model';

/**
 * Training of a diffusion model by the loss of Ho et al. 2020, equation 14: latents sampled from the frozen first stage,
 * AdamW over what the model says is trained, averages after every batch where the model keeps any.
 * @param specs of the whole model
 */
export function diffusionTraining<C>(
  task: DiffusionTask<C>,
  specs: ReadonlyMap<string, ParamSpec>,
  options: DiffusionTrainingOptions,
): Training {
  const isTrained = (key: string): boolean => specs.get(key)?.kind === 'parameter' && task.isTrained(key);
  const plan: UpdatePlan = planUpdates(new Map([...specs].filter(([key]) => isTrained(key))), [
    ...(options.rules ?? []),
    { match: /./, lr: options.lr },
  ]);
  // A rule may freeze part of what the model trains.
  const inPlan = (key: string): boolean => plan.has(key);

  const drawFor = (p: Params, batch: TensorBatch, rng: Rng): DiffusionDraws => {
    const posterior = cachedPosterior(batch) ?? task.firstStage.encode(p, imagesOf(batch, task.imageKey));
    const shape = posterior.mean.shape;
    const z = samplePosterior(posterior, rng.split('posterior').normal(shape) as tf.Tensor4D);
    return {
      x0: tf.mul(z, task.scaleFactor(p)),
      t: rng.split('t').integers<tf.Rank.R1>([shape[0]], 0, task.schedule.timesteps),
      noise: rng.split('noise').normal<tf.Rank.R4>(shape),
      rng,
    };
  };
  /** Of the whole batch, as means over its parts: each draws its own rows of what the whole would draw. */
  const lossesIn = (p: Params, condition: C, { x0, t, noise, rng, dropout }: DiffusionDraws): DiffusionLosses => {
    const of = equalParts(x0.shape[0], options.branches ?? 1);
    const parts = partsOf(of, { condition, x0, t, noise });
    return meanOfParts(
      parts.map(({ condition, ...draws }, index) => {
        const part = { index, of };
        return task.losses(p, condition, {
          ...draws,
          rng: rng.rows(part),
          ...(dropout ? { dropout: dropout.rows(part) } : {}),
        });
      }),
    );
  };
  const lossesOf = (p: Params, batch: TensorBatch, seed: tf.Tensor1D): DiffusionLosses =>
    lossesIn(p, task.prepare(p, batch), drawFor(p, batch, Rng.from(seed)));

  return {
    divide(params): Divided {
      const trained = params.filter(inPlan);
      const averages = takeAverages(params, trained);
      const frozen = params.filter((key) => !inPlan(key) && !averages?.taken.has(key));
      const groups = { [GROUP]: initGroup(trained, plan, options) };
      return { frozen, state: { groups, ema: averages?.ema ?? null, buffers: new Params() } };
    },

    weights({ frozen, state }) {
      const weights = frozen.merge(state.groups[GROUP]!.params);
      return state.ema ? weights.merge(storedAverages(state.ema)) : weights;
    },

    step(state, frozen, batch, control) {
      return tidyTree(() => {
        const group = state.groups[GROUP]!;
        const rng = stepRng(control.seed, options.replicas);
        const before = frozen.merge(group.params);
        const condition = task.prepare(before, batch);
        const draws = { ...drawFor(before, batch, rng), dropout: rng.split('dropout') };
        const { value, grads } = valueAndGrads((p) => lossesIn(frozen.merge(p), condition, draws), group.params);
        const next = applyGradients(GROUP, group, grads, plan, control, options);
        const ema = state.ema && emaUpdate(state.ema, next.group.params, options.emaDecay);
        const logs: Logs = {
          ...loggedLosses(value, 'train'),
          ...(next.norm ? { 'train/grad_norm': next.norm } : {}),
        };
        return [{ ...state, groups: { [GROUP]: next.group }, ema }, logs];
      });
    },

    evaluate(state, frozen, batch, { seed }) {
      return tidyTree(() => {
        const plain = frozen.merge(state.groups[GROUP]!.params);
        const averaged = state.ema ? plain.merge(state.ema.shadow) : plain;
        const rng = Rng.from(seed);
        // Without averages the second is the same network with other draws; configs may monitor it all the same.
        const second = loggedLosses(lossesOf(averaged, batch, rng.split('ema').toTensor()), 'val');
        return {
          ...loggedLosses(lossesOf(plain, batch, seed), 'val'),
          ...Object.fromEntries(Object.entries(second).map(([name, value]) => [`${name}_ema`, value])),
        };
      });
    },
  };
}

function imagesOf(batch: TensorBatch, key: string): tf.Tensor4D {
  const images = batch[key];
  if (images?.rank === 4) return images as tf.Tensor4D;
  throw new Error(
    `training: the batch holds ${images ? `'${key}' of shape [${images.shape}]` : Object.keys(batch).join(', ')}; images [B,H,W,C] under '${key}' are wanted (first_stage_key)`,
  );
}
