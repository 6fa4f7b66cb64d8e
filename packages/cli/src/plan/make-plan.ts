import { LatentDiffusionCompose } from '@codiff/codiff';
import { useEngine } from '@codiff/engine';
import { LatentDiffusion, type ParamSpec } from '@codiff/ldm-core';
import { batchBranches, DataError, dataModuleOf, FaceDataset, TrainError } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { type BenchModel, openBenchModel } from '../bench/models/bench-model.js';
import { branchesOf } from '../generate/branches.js';
import { oneLine } from '../input-error.js';
import type { DeviceSpeed } from './device-speed.js';
import { peakBytes } from './memory.js';
import { type PlannedCall, type Precision, plannedGeneration, plannedTraining, withoutAdam } from './planned-call.js';
import { type Prediction, predict } from './predict.js';
import { speedsOf } from './speed-of.js';

/** What is to be planned. */
export interface PlanRequest {
  readonly base: readonly string[];
  /** Absent: the config's for training, 1 for generation. */
  readonly batch?: number | undefined;
  readonly precision: Precision;
  /** Absent: as the config says. */
  readonly recompute?: boolean | undefined;
  readonly ema?: boolean | undefined;
  /** Training with AdamW; else loss and gradients only. */
  readonly optimizer: boolean;
  readonly device?: string | undefined;
  readonly threads?: number | undefined;
  /** Sampling steps. */
  readonly steps: number;
  /** Training images; absent: counted where the config's data are there. */
  readonly samples?: number | undefined;
  /** Measure the device even if that was done before. */
  readonly measure: boolean;
  readonly note: (line: string) => void;
}

/** What a training is predicted to take. */
export interface TrainingPlan extends Prediction {
  readonly batch: number;
  readonly peakMiB: number;
  readonly samples: number | null;
  readonly hoursPerEpoch: number | null;
}

/** What generating one batch is predicted to take. */
export interface GenerationPlan {
  readonly batch: number;
  readonly steps: number;
  /** Seconds of one denoising step, and of the decoder. */
  readonly stepSeconds: number;
  readonly decodeSeconds: number;
  readonly seconds: number;
  readonly peakMiB: number;
}

/** What a config is predicted to take on a device. */
export interface Plan {
  readonly config: string;
  readonly device: string;
  readonly threads: number;
  readonly precision: Precision;
  /** When the device's speed was measured, ISO 8601. */
  readonly measured: string;
  readonly parameters: number;
  readonly training: TrainingPlan | null;
  readonly generation: GenerationPlan | null;
  /** Why something is missing. */
  readonly notes: readonly string[];
}

/**
 * Predict what a config takes: its functions are traced on shapes, which takes neither weights nor time, and their operations
 * added up at the speed that the device was measured to have.
 * @throws ConfigError; EngineError for a device that there is not
 */
export async function makePlan(request: PlanRequest): Promise<Plan> {
  const { precision, note, device } = request;
  const bench = await openBenchModel('unet', request.base, await overridesOf(request));
  const info = await useEngine({
    ...(device ? { device } : {}),
    ...(request.threads ? { threads: request.threads } : {}),
  });
  const { threads } = info;
  const started = process.memoryUsage.rss();
  const speedFor = speedsOf({ device, threads, precision, found: info.device, again: request.measure, note });
  const used: DeviceSpeed[] = [];
  const planner: Planner = {
    request,
    started,
    notes: [],
    branches: (wanted) => (info.device.startsWith('gpu') ? 1 : Math.min(wanted, threads)),
    threads,
    async speedFor(branches) {
      const speed = await speedFor(branches);
      used.push(speed);
      return speed;
    },
  };
  const training = await planTraining(bench, planner);
  const generation = await planGeneration(bench, planner);
  const speed = used.at(-1) ?? (await speedFor(1));
  return {
    config: bench.path,
    device: speed.device,
    threads,
    precision,
    measured: speed.measured,
    parameters: parametersOf(bench.specs.values()),
    training,
    generation,
    notes: planner.notes,
  };
}

/** What both halves of a plan are made with. */
interface Planner {
  readonly request: PlanRequest;
  /** Bytes of a process that has only started the engine. */
  readonly started: number;
  /** Why something is missing. */
  readonly notes: string[];
  readonly threads: number;
  /** How many branches the engine makes of those wanted. */
  readonly branches: (wanted: number) => number;
  readonly speedFor: (branches: number) => Promise<DeviceSpeed>;
}

/** A step as `codiff train` takes it: the batches of small models in parts. */
async function planTraining(bench: BenchModel, planner: Planner): Promise<TrainingPlan | null> {
  const { request, started, notes, threads } = planner;
  const { batch: asked, precision, optimizer, samples: given } = request;
  const data = bench.config.data === undefined ? null : dataModuleOf(bench.config.data);
  const batch = asked ?? data?.batchSize ?? 1;
  const branches = planner.branches(batchBranches(bench.config, threads));
  let call: PlannedCall;
  try {
    call = plannedTraining(bench, { batch, precision, branches });
  } catch (error) {
    if (!(error instanceof TrainError)) throw error;
    notes.push(`training: ${oneLine(error)}`);
    return null;
  }
  if (!optimizer) call = withoutAdam(call);
  const prediction = predict(call, await planner.speedFor(branches));
  let samples = given ?? null;
  try {
    if (samples === null && data?.train) samples = new FaceDataset(data.train).length;
  } catch (error) {
    if (!(error instanceof DataError)) throw error;
    notes.push(`epoch: the data are not there (${oneLine(error)}); --samples says how many images there are`);
  }
  const hoursPerEpoch = samples === null ? null : (Math.ceil(samples / batch) * prediction.seconds) / 3600;
  return { ...prediction, batch, peakMiB: peakBytes([call], started) / 2 ** 20, samples, hoursPerEpoch };
}

/** A batch as the commands draw it: the models of a step side by side, or the halves of the batch. */
async function planGeneration(bench: BenchModel, planner: Planner): Promise<GenerationPlan | null> {
  const { model } = bench;
  if (!(model instanceof LatentDiffusion || model instanceof LatentDiffusionCompose)) return null;
  const { precision, steps, batch = 1 } = planner.request;
  const branches = planner.branches(branchesOf(model, batch));
  const calls = plannedGeneration(bench, { batch, precision, branches });
  const speed = await planner.speedFor(branches);
  const [step, decode] = calls.map((call) => predict(call, speed).seconds);
  return {
    ...{ batch, steps, stepSeconds: step!, decodeSeconds: decode!, seconds: steps * step! + decode! },
    peakMiB: peakBytes(calls, planner.started) / 2 ** 20,
  };
}

const parametersOf = (specs: Iterable<ParamSpec>): number =>
  [...specs].reduce((sum, { kind, shape }) => sum + (kind === 'parameter' ? tf.util.sizeFromShape([...shape]) : 0), 0);

/** What the flags change in a config: its batch size, and of a model of one condition what others do not have. */
async function overridesOf({ base, batch, recompute, ema }: PlanRequest): Promise<string[]> {
  if (batch === undefined && recompute === undefined && ema === undefined) return [];
  const { model, config } = await openBenchModel('unet', base);
  const size = batch === undefined || config.data === undefined ? [] : [`data.params.batch_size=${batch}`];
  if (!(model instanceof LatentDiffusion)) return size;
  return [
    ...size,
    ...(recompute === undefined ? [] : [`model.params.unet_config.params.use_checkpoint=${recompute}`]),
    ...(ema === undefined ? [] : [`model.params.use_ema=${ema}`]),
  ];
}
