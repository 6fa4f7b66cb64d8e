import { compile } from '@codiff/engine';
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
import { type BenchModel, diffusionOf, weightsOf } from './bench-model.js';
import { countFlops } from './flops.js';
import { contextWidth, STEP, TOKENS } from './forward-cases.js';
import { formulaImage, formulaInput } from './inputs.js';
import type { ModelSettings } from './settings.js';

const LEARNING_RATE = 1e-6;
const PREFIX = 'model.diffusion_model.';
/** The backward pass computes two products for each of the forward pass. */
export const PASSES = 3;

/** What the step changes. */
interface State {
  readonly params: Params;
  readonly optim: OptimState;
  readonly ema: EmaState | null;
}

/** A UNet's training step alone: noisy latents, timestep, context and noise are given. */
export function trainStepCase(bench: BenchModel, spec: BenchSpec, settings: ModelSettings): BenchCase {
  const { batch, precision, name, mode } = spec;
  const model = diffusionOf(bench);
  const { imageSize: side, channels } = model.config;
  const { unet } = model.model;
  const x = formulaImage('x', [batch, side, side, channels]);
  const noise = formulaImage('noise', [batch, side, side, channels]);
  const t = tf.fill([batch], STEP, 'int32') as tf.Tensor1D;
  const context = formulaInput('text', [batch, TOKENS.text, contextWidth(unet.config)]) as tf.Tensor3D;
  const params = weightsOf(bench, (key) => key.startsWith(PREFIX), PREFIX);

  const forward = (p: Params): tf.Tensor4D => unet.forward(p, { x, t, context, recompute: settings.recompute });
  const loss = (p: Params): tf.Scalar => tf.mean(tf.squaredDifference(forward(p), noise));
  const options = { name, precision, xla: mode === 'xla' } as const;
  const step = settings.optimizer
    ? updating(params, loss, bench, settings, options)
    : differentiating(params, loss, options);
  const counted = compile(forward, { name: `${name}:count` });
  let last = Number.NaN;
  return {
    flops: async () => PASSES * (await countFlops(() => counted(step.params()))),
    probe: () => [last],
    run: async (called) => {
      const value = step.run();
      called();
      last = (await value.data())[0]!;
      value.dispose();
    },
  };
}

/** One step over and over. */
interface Step {
  readonly run: () => tf.Scalar;
  readonly params: () => Params;
}

function differentiating(params: Params, loss: (p: Params) => tf.Scalar, options: { readonly name: string }): Step {
  const compiled = compile((p: Params) => valueAndGrad(loss, p), options);
  return {
    params: () => params,
    run: () => {
      const { value, grads } = compiled(params);
      grads.dispose();
      return value;
    },
  };
}

function updating(
  params: Params,
  loss: (p: Params) => tf.Scalar,
  { specs }: BenchModel,
  { ema }: ModelSettings,
  options: { readonly name: string },
): Step {
  const trained = new Map([...specs].filter(([key]) => params.has(key)));
  const plan = planUpdates(trained, [{ match: /./, lr: LEARNING_RATE }]);
  const compiled = compile(
    (state: State): [State, tf.Scalar] => {
      const { value, grads } = valueAndGrad(loss, state.params);
      const next = adamStep(state.params, grads, state.optim, plan);
      const averages = state.ema && emaUpdate(state.ema, next.params);
      return [{ params: next.params, optim: next.state, ema: averages }, value];
    },
    { ...options, state: 0 },
  );
  let state: State = { params, optim: initOptimState(params, plan), ema: ema ? initEma(params) : null };
  return {
    params: () => state.params,
    run: () => {
      const [next, value] = compiled(state);
      state = next;
      return value;
    },
  };
}
