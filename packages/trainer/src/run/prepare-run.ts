import { availableParallelism } from 'node:os';
import { resolve } from 'node:path';
import type { Params, ResolvedConfig } from '@codiff/ldm-core';
import type { CheckpointKeeper } from '../checkpoint/keeper.js';
import { recordedSeed } from '../checkpoint/keeper.js';
import { BEGINNING, type Progress } from '../checkpoint/progress.js';
import { FaceDataset, type FaceDatasetOptions } from '../data/face-dataset.js';
import { FaceLoader, type FaceLoaderOptions } from '../data/loader/face-loader.js';
import { cachedSource } from '../latents/cached-source.js';
import type { FrozenEncoder } from '../latents/encode-samples.js';
import { LatentCache } from '../latents/latent-cache.js';
import { type BatchSource, limited } from '../loop/batch-source.js';
import { replicasOf } from '../parallel/replicas.js';
import { resumedPlace } from '../parallel/resumed-place.js';
import { type Compile, eagerly, withPrecision } from '../steps/consume.js';
import { describeLearningRate, learningRate } from '../steps/learning-rate.js';
import type { Divided } from '../steps/train-state.js';
import { TrainError } from '../train-error.js';
import { type BuiltTraining, buildTraining } from './build-training.js';
import { captionTokenizer, faceSource } from './face-source.js';
import { type RunSettings, runSettings } from './run-settings.js';
import { startWeights } from './start-weights.js';
import type { TrainRequest } from './train-request.js';

/** What a request asks for, before anything is read. */
export interface PlannedRun {
  readonly seed: number;
  readonly settings: RunSettings;
  readonly built: BuiltTraining;
  /** The learning rates, a line each. */
  readonly rateLines: readonly string[];
  /** In the number format of the run. */
  readonly compile: Compile;
}

/** Read a config as a training. @throws ConfigError; TrainError for what cannot be trained */
export async function planRun(request: TrainRequest): Promise<PlannedRun> {
  const { config } = request;
  const seed = await seedOf(request);
  const settings = runSettings(config);
  const { accumulate, batchSize, clipNorm, precision } = settings;
  const rule = { base: baseRate(config), scale: request.scaleLr, accumulate, devices: request.devices, batchSize };
  const rules = settings.rateRules?.map(({ match, lr }) => ({
    match,
    lr: lr === null ? null : learningRate({ ...rule, base: lr }),
  }));
  const built = buildTraining(config, learningRate(rule), {
    accumulate,
    ...(clipNorm === null ? {} : { clipNorm }),
    ...(rules ? { rules } : {}),
    ...(request.team ? { replicas: replicasOf(request.team) } : {}),
    branches: request.branches,
  });
  const rateLines = [
    describeLearningRate(rule),
    ...(rules ?? []).map(
      ({ match, lr }) => `  ${match.source}: ${lr === null ? 'frozen' : `learning rate ${lr.toExponential(2)}`}`,
    ),
    ...(precision === 'float32' ? [] : [`steps compute in ${precision}, weights and optimizers in float32`]),
    ...settings.unapplied.map((option) => `${option}: accepted, changes nothing here`),
  ];
  return { seed, settings, built, rateLines, compile: withPrecision(request.compile ?? eagerly, precision) };
}

/** The data of a run. */
export interface RunData {
  readonly train: BatchSource;
  /** The same batches with the shares of all processes. */
  whole(): BatchSource;
  readonly validation: BatchSource | undefined;
  readonly test: BatchSource | undefined;
  /** Samples of each data set; 0 where there is none. */
  readonly samples: Readonly<Record<'train' | 'validation' | 'test' | 'predict', number>>;
  /**
   * The data of training and validation with latents in place of images, from a cache that is filled first.
   * @param p the weights that training begins with
   */
  cached(p: Params): Promise<{ readonly train: BatchSource; readonly validation: BatchSource | undefined }>;
  close(): Promise<void>;
}

/** Open the data sets of a run. @throws DataError for missing folders and empty splits */
export async function openData(request: TrainRequest, planned: PlannedRun): Promise<RunData> {
  const { settings, built, seed } = planned;
  const { strict, onNote, onEvent } = request;
  const { rank, world } = request.team ?? { rank: 0, world: 1 };
  const { batchSize, numWorkers, limitTrain, limitValidation, test, shuffleTest, shuffleValidation } = settings;
  const workers = Math.min(numWorkers ?? 2 * batchSize, Math.max(1, Math.floor(availableParallelism() / world) - 1));
  const onWarning = (message: string, count: number) =>
    onEvent({ kind: 'warning', message: `left out (${count}): ${message}` });
  const tokenize = await captionTokenizer(built.captionLength);
  const loaders: FaceLoader[] = [];
  const common = { batchSize, seed, workers, strict, onWarning };
  const open = (
    dataset: FaceDatasetOptions | null,
    shuffle: boolean,
    more: Partial<FaceLoaderOptions> = {},
  ): FaceLoader | null => {
    if (dataset === null) return null;
    const loader = new FaceLoader({ ...common, dataset, shuffle, ...more });
    loaders.push(loader);
    return loader;
  };
  const close = async (): Promise<void> => {
    for (const loader of loaders) await loader.close();
  };
  const cachedOf = async (
    dataset: FaceDatasetOptions,
    shuffle: boolean,
    limit: RunSettings['limitTrain'],
    { folder, maxBytes }: NonNullable<RunSettings['cache']>,
    encoder: FrozenEncoder,
    { beside, ...more }: Partial<FaceLoaderOptions> & { readonly beside?: LatentCache },
  ): Promise<{ readonly cache: LatentCache; readonly source: BatchSource }> => {
    const inUse = beside ? { beside } : {};
    const cache = await LatentCache.open({ folder, maxBytes, dataset, batchSize, ...encoder, ...inUse, onNote });
    const loader = open({ ...dataset, images: false }, shuffle, { ...more, leftOut: cache.faults })!;
    return { cache, source: limited(cachedSource(loader, cache, tokenize), limit) };
  };
  try {
    const train = open(settings.train, true, { world, rank })!;
    // What is evaluated is evaluated by the first process alone, so scores do not depend on how many there are.
    const validation = open(rank === 0 ? settings.validation : null, shuffleValidation);
    const tested = open(rank === 0 ? test : null, shuffleTest);
    return {
      train: limited(faceSource(train, tokenize), limitTrain),
      whole: () =>
        faceSource(world === 1 ? train : open(settings.train, true, { batchSize: batchSize * world })!, tokenize),
      validation: validation ? limited(faceSource(validation, tokenize), limitValidation) : undefined,
      test: tested ? faceSource(tested, tokenize) : undefined,
      samples: {
        train: train.dataset.length,
        validation: validation?.dataset.length ?? 0,
        test: tested?.dataset.length ?? 0,
        predict: rank === 0 && settings.predict ? new FaceDataset(settings.predict).length : 0,
      },
      async cached(p) {
        if (settings.cache === null || !built.frozen) {
          throw new TrainError(
            'data.cache_latents: this model trains on images, so there is nothing to keep; leave it out',
          );
        }
        const encoder = await built.frozen(p, { tokenize, compile: request.compile ?? eagerly });
        const folder = resolve(request.root ?? '.', settings.cache.folder);
        const of = (
          dataset: FaceDatasetOptions,
          shuffle: boolean,
          limit: RunSettings['limitTrain'],
          more: Parameters<typeof cachedOf>[5],
        ) => cachedOf(dataset, shuffle, limit, { ...settings.cache!, folder }, encoder, more);
        const { cache, source } = await of(settings.train, true, limitTrain, { world, rank });
        const validated =
          validation && settings.validation
            ? await of(settings.validation, shuffleValidation, limitValidation, { beside: cache })
            : undefined;
        return { train: source, validation: validated?.source };
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** The original's default. */
const SEED = 23;

/** Every random number of a run follows from one seed, so a run that goes on keeps the one it was started with. */
async function seedOf({ seed, resume, run }: TrainRequest): Promise<number> {
  const recorded = resume ? await recordedSeed(run.checkpoints, resume.checkpoint) : null;
  if (seed !== null && recorded !== null && seed !== recorded) {
    throw new TrainError(`--seed ${seed}: this run was started with seed ${recorded}; leave the flag out`);
  }
  return seed ?? recorded ?? SEED;
}

type BeginRequest = Pick<TrainRequest, 'run' | 'resume' | 'team' | 'branches' | 'root' | 'onNote' | 'onEvent'>;

/** Weights and place to begin with. */
export async function beginRun(
  { run, resume, team, branches = 1, root = '.', onNote, onEvent }: BeginRequest,
  built: Pick<BuiltTraining, 'training' | 'specs' | 'startingPoints' | 'measure'>,
  keeper: CheckpointKeeper,
  whole: () => BatchSource,
  { seed, settings }: { readonly seed: number; readonly settings: Pick<RunSettings, 'accumulate' | 'batchSize'> },
): Promise<{ divided: Divided; progress: Progress }> {
  if (resume) {
    const restored =
      resume.checkpoint === null
        ? await keeper.restoreNewest()
        : { ...(await keeper.restore(resume.checkpoint)), skipped: [] };
    if (restored !== null) {
      const { file, record, divided } = restored;
      for (const { file, problem } of restored.skipped) onNote(`passed over ${file}: ${problem}`);
      const { epoch, batch, globalStep } = record.progress;
      onNote(`resumed from ${file}: epoch ${epoch}, batch ${batch}, step ${globalStep}`);
      const before = record.processes ?? 1;
      const processes = team?.world ?? 1;
      const { progress, again } = resumedPlace(record.progress, before, { processes, accumulate: settings.accumulate });
      if (before !== processes) {
        onNote(
          `it was saved by ${before} process(es), this is ${processes}: the curve goes on, but is not the one that ${before} would have had; of this epoch ${again * settings.batchSize} sample(s) are seen twice`,
        );
      }
      const parts = record.branches ?? branches;
      if (parts !== branches && (team?.rank ?? 0) === 0) {
        onEvent({
          kind: 'warning',
          message: `until here batches were computed in ${parts} part(s), from here on in ${branches} (number of cores, batch size and model decide it): the curve goes on, but not with the very bits that ${parts} would have given`,
        });
      }
      return { divided, progress };
    }
    onNote(`${run.checkpoints} holds no checkpoint: the run begins anew`);
  }
  const given = new Set<string>();
  const weights = await startWeights(built.specs, built.startingPoints, {
    seed,
    root,
    onReport: ({ file, matched }) => {
      onNote(`${file}: ${matched.length} tensors`);
      for (const key of matched) given.add(key);
    },
  });
  if (built.measure && !given.has('scale_factor')) {
    const { params, factor, batches, images } = await built.measure(weights, whole(), seed);
    for (const [key, tensor] of params) {
      weights.get(key)?.dispose();
      weights.set(key, tensor);
    }
    onNote(`scale_factor: ${factor.toPrecision(6)}, measured on ${images} images of the first ${batches} batch(es)`);
  }
  return { divided: built.training.divide(weights), progress: BEGINNING };
}

function baseRate({ model }: ResolvedConfig): number {
  if (typeof model.base_learning_rate === 'number') return model.base_learning_rate;
  throw new TrainError(
    'train: model.base_learning_rate is missing; give it in the config, or as model.base_learning_rate=1e-6',
  );
}
