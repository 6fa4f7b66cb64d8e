import { type EngineInfo, useEngine } from '@codiff/engine';
import { LatentDiffusion, type ParamSpec } from '@codiff/ldm-core';
import { DataError, dataModuleOf, FaceDataset, TrainError } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { type BenchModel, openBenchModel } from '../bench/models/bench-model.js';
import { oneLine } from '../input-error.js';
import type { DeviceSpeed } from './device-speed.js';
import { deviceName, measureSpeed } from './measure-speed.js';
import { peakBytes } from './memory.js';
import { type PlannedCall, type Precision, plannedGeneration, plannedTraining, withoutAdam } from './planned-call.js';
import { type Prediction, predict } from './predict.js';
import { readSpeed, writeSpeed } from './speed-cache.js';

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
  const { precision, steps, note } = request;
  const bench = await openBenchModel('unet', request.base, await overridesOf(request));
  const { device, threads } = request;
  const info = await useEngine({ ...(device ? { device } : {}), ...(threads ? { threads } : {}) });
  const started = process.memoryUsage.rss();
  const speed = await speedOf(info, precision, request.measure, note);
  const notes: string[] = [];
  const training = planTraining(bench, request, speed, started, notes);
  const batch = request.batch ?? 1;
  const calls = plannedGeneration(bench, batch, precision);
  const [step, decode] = calls.map((call) => predict(call, speed).seconds);
  return {
    config: bench.path,
    device: speed.device,
    threads: speed.threads,
    precision,
    measured: speed.measured,
    parameters: parametersOf(bench.specs.values()),
    training,
    generation:
      step === undefined || decode === undefined
        ? null
        : {
            ...{ batch, steps, stepSeconds: step, decodeSeconds: decode, seconds: steps * step + decode },
            peakMiB: peakBytes(calls, started) / 2 ** 20,
          },
    notes,
  };
}

/** The device's speed, from the cache unless there is none or it is to be measured. */
export async function speedOf(
  info: Pick<EngineInfo, 'device' | 'threads'>,
  precision: Precision,
  again: boolean,
  note: (line: string) => void,
): Promise<DeviceSpeed> {
  const known = again ? null : readSpeed({ device: deviceName(info.device), threads: info.threads, precision });
  if (known !== null) return known;
  note(`measuring ${deviceName(info.device)} in ${precision} for some ten seconds ...`);
  const speed = await measureSpeed(info, precision);
  writeSpeed(speed);
  return speed;
}

function planTraining(
  bench: BenchModel,
  { batch: asked, precision, optimizer, samples: given }: PlanRequest,
  speed: DeviceSpeed,
  started: number,
  notes: string[],
): TrainingPlan | null {
  const data = bench.config.data === undefined ? null : dataModuleOf(bench.config.data);
  const batch = asked ?? data?.batchSize ?? 1;
  let call: PlannedCall;
  try {
    call = plannedTraining(bench, batch, precision);
  } catch (error) {
    if (!(error instanceof TrainError)) throw error;
    notes.push(`training: ${oneLine(error)}`);
    return null;
  }
  if (!optimizer) call = withoutAdam(call);
  const prediction = predict(call, speed);
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

const parametersOf = (specs: Iterable<ParamSpec>): number =>
  [...specs].reduce((sum, { kind, shape }) => sum + (kind === 'parameter' ? tf.util.sizeFromShape([...shape]) : 0), 0);

/** What the flags change in a config of one condition; other models do not have these fields. */
async function overridesOf({ base, recompute, ema }: PlanRequest): Promise<string[]> {
  if (recompute === undefined && ema === undefined) return [];
  const { model } = await openBenchModel('unet', base);
  if (!(model instanceof LatentDiffusion)) return [];
  return [
    ...(recompute === undefined ? [] : [`model.params.unet_config.params.use_checkpoint=${recompute}`]),
    ...(ema === undefined ? [] : [`model.params.use_ema=${ema}`]),
  ];
}
