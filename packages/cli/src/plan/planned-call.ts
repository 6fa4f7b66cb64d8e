import { LatentDiffusionCompose } from '@codiff/codiff';
import { bytesOf, type Inspection, type InspectOptions, inspect, type RecordedGraph, shapeOnly } from '@codiff/engine';
import { BERTEmbedder, inParts, LatentDiffusion, type Params } from '@codiff/ldm-core';
import { buildTraining } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchSpec } from '../bench/case.js';
import { autoencoderOf, type BenchModel } from '../bench/models/bench-model.js';
import { forwardOf, TOKENS } from '../bench/models/forward-cases.js';
import type { ModelSettings } from '../bench/models/settings.js';
import { SHAPES } from '../bench/models/source.js';
import { updateStep } from '../bench/models/train-step-case.js';
import { weightStorage } from '../generate/weight-storage.js';

/** A compiled function that is going to be called, inspected. */
export interface PlannedCall extends Pick<Inspection<unknown>, 'graph' | 'needed' | 'memory'> {
  readonly name: string;
  /** Bytes of the tensors that are there while it runs: weights, state, inputs. */
  readonly resident: number;
}

export type Precision = BenchSpec['precision'];

/** Numbers of a mask or a sketch: 32 x 32 pixels. */
const PIXELS = 1024;

/** How a function will be called. */
export interface CallSetting extends Pick<BenchSpec, 'batch' | 'precision'> {
  /** Parts that run side by side. */
  readonly branches: number;
}

/** What a benchmark of `npm run bench` calls. */
export function plannedBench(bench: BenchModel, setting: CallSetting, settings: ModelSettings): PlannedCall {
  if (bench.bench !== 'train-step') return plannedForward(bench, setting);
  const { batch, precision } = setting;
  return withoutTensors(() => {
    const { step, state } = updateStep(bench, batch, settings, SHAPES);
    return planned(bench.bench, step, [state], { precision, state: 0 });
  });
}

/** @param parts of a batch that are computed side by side */
function plannedForward(bench: BenchModel, { batch, precision, branches }: CallSetting, parts = 1): PlannedCall {
  return withoutTensors(() => {
    const { p, inputs, run } = forwardOf(bench, batch, SHAPES);
    const divided = (p: Params, ...inputs: tf.Tensor[]) => inParts(parts, inputs, (part) => run(p, ...part));
    const call = planned(bench.bench, divided, [p, ...inputs], { precision, branches });
    // Sampling in half precision keeps the weights that it casts in that precision, so there is half of them; kernels that
    // pack them keep as much once more, the others cast nothing.
    const { casts, bytes } = call.memory;
    const packed = precision === 'bfloat16' ? casts : 0;
    return { ...call, memory: { ...call.memory, bytes: bytes - casts + packed }, resident: call.resident - casts };
  });
}

/** A training step of the whole config, as `codiff train` takes it. @throws TrainError for what cannot be trained */
export function plannedTraining(bench: BenchModel, { batch, precision, branches }: CallSetting): PlannedCall {
  return withoutTensors(() => {
    const { training, specs } = buildTraining(bench.config, 1e-6, { branches });
    const weights = SHAPES.weights({ ...bench, specs }, () => true);
    const { state, frozen } = SHAPES.made((p: Params) => training.divide(p), [weights]);
    const control = {
      seed: shapeOnly([2], 'int32') as tf.Tensor1D,
      globalStep: shapeOnly([], 'int32') as tf.Scalar,
      lrScale: shapeOnly([]) as tf.Scalar,
      update: true,
    };
    const args = [state, frozen, batchOf(bench, batch), control] as const;
    return planned('training step', training.step, [...args], { precision, branches, state: 0 });
  });
}

/** What a model draws an image with: a denoising step, called for each step, and the decoder. */
export function plannedGeneration(bench: BenchModel, setting: CallSetting): PlannedCall[] {
  const of = (name: 'codiff-step' | 'unet' | 'vae-decode'): PlannedCall => {
    // The models of a collaborative step are its branches; of everything else the parts of a batch.
    const parts = name === 'codiff-step' ? 1 : setting.branches;
    const own = plannedForward({ ...bench, bench: name }, setting, parts);
    // All weights of the model are in memory while a part of it is used.
    const { bytesOf } = weightStorage(setting.precision);
    const weights = [...bench.specs.values()].reduce((sum, spec) => sum + bytesOf(spec), 0);
    return { ...own, resident: Math.max(own.resident, weights) };
  };
  if (bench.model instanceof LatentDiffusionCompose) return [of('codiff-step'), of('vae-decode')];
  return bench.model instanceof LatentDiffusion ? [of('unet'), of('vae-decode')] : [];
}

function planned<A extends unknown[]>(
  name: string,
  run: (...args: A) => unknown,
  args: A,
  options: InspectOptions,
): PlannedCall {
  const { graph, needed, memory } = inspect(run, args, { name, ...options });
  return { name, graph, needed, memory, resident: residentBytes(graph) };
}

/** Bytes of arguments, captures and state. */
export function residentBytes({ nodes, values }: RecordedGraph): number {
  const state = new Set<number>();
  let bytes = 0;
  for (const { op, inputs, outputs } of nodes) {
    // A variable may be read again after an update.
    if (op === 'ReadVariableOp' && state.has(inputs[0]!)) continue;
    if (op === 'ReadVariableOp') state.add(inputs[0]!);
    if (op === 'Placeholder' || op === 'ReadVariableOp') bytes += bytesOf(values[outputs[0]!]!);
  }
  return bytes;
}

/** Run `plan`, and dispose of the tensors without values that it makes. */
function withoutTensors<T>(plan: () => T): T {
  let result: T | undefined;
  tf.tidy(() => {
    result = plan();
    return [];
  });
  return result!;
}

/** One batch of what a config's model is trained on, by the names of its data. */
function batchOf(bench: BenchModel, batch: number): Record<string, tf.Tensor> {
  const { model } = bench;
  const { resolution, inChannels } = autoencoderOf(bench).vae.shape.ddconfig;
  const image = shapeOnly([batch, resolution, resolution, inChannels]);
  const input = (condition: string, encoder: unknown): tf.Tensor =>
    encoder instanceof BERTEmbedder
      ? shapeOnly([batch, encoder.config.maxSeqLen], 'int32')
      : shapeOnly(condition === 'sketch' ? [batch, 1, PIXELS] : [batch, TOKENS.seg_mask, PIXELS]);
  if (model instanceof LatentDiffusion) {
    const { firstStageKey, condStageKey } = model.config;
    return { [firstStageKey]: image, [condStageKey]: input(condStageKey, model.condStage) };
  }
  if (model instanceof LatentDiffusionCompose) {
    const conditions = model.conditions.map((name) => [name, input(name, model.condStage.encoder(name))]);
    return { [model.config.firstStageKey]: image, ...Object.fromEntries(conditions) };
  }
  return { image };
}

/** A training step without its optimizer: neither the updates nor the moments. */
export function withoutAdam(call: PlannedCall): PlannedCall {
  const { graph, needed } = call;
  const updates = [...needed].filter((node) => graph.nodes[node]!.op === 'ResourceApplyAdam');
  const gradients = updates.map((node) => graph.values[graph.nodes[node]!.inputs.at(-1)!]!);
  const moments = 2 * gradients.reduce((sum, gradient) => sum + bytesOf(gradient), 0);
  return {
    ...call,
    needed: new Set([...needed].filter((node) => graph.nodes[node]!.op !== 'ResourceApplyAdam')),
    resident: call.resident - moments,
  };
}
