import { compile, type ProfiledOp, profile } from '@codiff/engine';
import {
  adamStep,
  type EmaState,
  emaUpdate,
  initEma,
  initOptimState,
  type OptimState,
  type Params,
  planUpdates,
  valueAndGrad,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, BenchSpec } from '../case.js';
import { type BenchModel, diffusionOf } from './bench-model.js';
import { countFlops } from './flops.js';
import { contextWidth, STEP, TOKENS } from './forward-cases.js';
import type { ModelSettings } from './settings.js';
import { FORMULA, type Source } from './source.js';

const LEARNING_RATE = 1e-6;
const PREFIX = 'model.diffusion_model.';
/** The backward pass computes two products for each of the forward pass. */
export const PASSES = 3;

/** What the step changes. */
export interface State {
  readonly params: Params;
  readonly optim: OptimState;
  readonly ema: EmaState | null;
}

/** The functions of a UNet's training step, and what they need. */
interface StepParts {
  readonly params: Params;
  readonly forward: (p: Params) => tf.Tensor4D;
  readonly loss: (p: Params) => tf.Scalar;
}

/** A UNet's training step alone: noisy latents, timestep, context and noise are given. */
export function trainStepCase(bench: BenchModel, spec: BenchSpec, settings: ModelSettings): BenchCase {
  const { precision, name, mode } = spec;
  const parts = partsOf(bench, spec.batch, settings, FORMULA);
  const options = { name, precision, xla: mode === 'xla' } as const;
  const step = settings.optimizer
    ? updating(bench, parts, settings, options)
    : differentiating(parts.params, parts.loss, options);
  const counted = compile(parts.forward, { name: `${name}:count` });
  let last = Number.NaN;
  return {
    flops: async () => PASSES * (await countFlops(() => counted(step.params()))),
    probe: () => [last],
    profile: step.profile,
    run: async (called) => {
      const value = step.run();
      called();
      last = (await value.data())[0]!;
      value.dispose();
    },
  };
}

/** The updating step and the state that it begins with. */
export function updateStep(
  bench: BenchModel,
  batch: number,
  settings: ModelSettings,
  source: Source,
): { readonly step: (state: State) => [State, tf.Scalar]; readonly state: State } {
  return updateOf(bench, partsOf(bench, batch, settings, source), settings, source);
}

function partsOf(bench: BenchModel, batch: number, { recompute }: ModelSettings, source: Source): StepParts {
  const model = diffusionOf(bench);
  const { imageSize: side, channels } = model.config;
  const { unet } = model.model;
  const x = source.image('x', [batch, side, side, channels]);
  const noise = source.image('noise', [batch, side, side, channels]);
  const t = source.steps(batch, STEP);
  const context = source.input('text', [batch, TOKENS.text, contextWidth(unet.config)]) as tf.Tensor3D;
  const forward = (p: Params): tf.Tensor4D => unet.forward(p, { x, t, context, recompute });
  return {
    params: source.weights(bench, (key) => key.startsWith(PREFIX), PREFIX),
    forward,
    loss: (p) => tf.mean(tf.squaredDifference(forward(p), noise)),
  };
}

/** One step over and over. */
interface Step {
  readonly run: () => tf.Scalar;
  readonly params: () => Params;
  readonly profile: () => ProfiledOp[];
}

function differentiating(params: Params, loss: (p: Params) => tf.Scalar, options: { readonly name: string }): Step {
  const differentiate = (p: Params) => valueAndGrad(loss, p);
  const compiled = compile(differentiate, options);
  return {
    params: () => params,
    profile: () => profile(differentiate, [params], options),
    run: () => {
      const { value, grads } = compiled(params);
      grads.dispose();
      return value;
    },
  };
}

function updateOf({ specs }: BenchModel, { params, loss }: StepParts, { ema }: ModelSettings, source: Source) {
  const trained = new Map([...specs].filter(([key]) => params.has(key)));
  const plan = planUpdates(trained, [{ match: /./, lr: LEARNING_RATE }]);
  const step = (state: State): [State, tf.Scalar] => {
    const { value, grads } = valueAndGrad(loss, state.params);
    const next = adamStep(state.params, grads, state.optim, plan);
    const averages = state.ema && emaUpdate(state.ema, next.params);
    return [{ params: next.params, optim: next.state, ema: averages }, value];
  };
  const optim = source.made((p: Params) => initOptimState(p, plan), [params]);
  return { step, state: { params, optim, ema: ema ? source.made((p: Params) => initEma(p), [params]) : null } };
}

function updating(
  bench: BenchModel,
  parts: StepParts,
  settings: ModelSettings,
  options: { readonly name: string },
): Step {
  const { step, state: start } = updateOf(bench, parts, settings, FORMULA);
  const compiled = compile(step, { ...options, state: 0 });
  let state = start;
  return {
    params: () => state.params,
    profile: () => profile(step, [state], { ...options, state: 0 }),
    run: () => {
      const [next, value] = compiled(state);
      state = next;
      return value;
    },
  };
}
