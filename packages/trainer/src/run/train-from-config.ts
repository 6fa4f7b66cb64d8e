import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { type ConfigTree, dumpYaml, type ResolvedConfig } from '@codiff/ldm-core';
import { atomicWrite } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { CheckpointKeeper, recordedSeed } from '../checkpoint/keeper.js';
import { optimizerMemory } from '../checkpoint/optimizer-memory.js';
import { BEGINNING, type Progress } from '../checkpoint/progress.js';
import { lockRun } from '../checkpoint/run-lock.js';
import type { FaceDatasetOptions } from '../data/face-dataset.js';
import { FaceLoader } from '../data/loader/face-loader.js';
import { ImageLogger } from '../images/image-logger.js';
import { openEventFile } from '../log/event-file.js';
import { openJsonLines } from '../log/json-lines.js';
import { joinSinks } from '../log/log-sink.js';
import { type BatchSource, limited } from '../loop/batch-source.js';
import type { Requests } from '../loop/signals.js';
import { train } from '../loop/train.js';
import type { TrainEnd, TrainEvent } from '../loop/train-run.js';
import { type Compile, eagerly, withPrecision } from '../steps/consume.js';
import { describeLearningRate, learningRate } from '../steps/learning-rate.js';
import type { Divided } from '../steps/train-state.js';
import { TrainError } from '../train-error.js';
import { type BuiltTraining, buildTraining } from './build-training.js';
import { captionReader, captionTokenizer, faceSource } from './face-source.js';
import { makeRunFolder, type RunFolder } from './run-folder.js';
import { keptBest, type RunSettings, runSettings } from './run-settings.js';
import { startWeights } from './start-weights.js';

/** A training as the command asks for it. */
export interface TrainRequest {
  /** Checked by `checkTrainingConfig`. */
  readonly config: ResolvedConfig;
  readonly run: RunFolder;
  /** Go on: from this checkpoint, or (null) from the newest of the folder. Absent: a new run. */
  readonly resume?: { readonly checkpoint: string | null };
  /** null: the one that the run was started with, or 23 for a new one. */
  readonly seed: number | null;
  /** `--scale_lr`. */
  readonly scaleLr: boolean;
  /** Devices that take part. */
  readonly devices: number;
  /** Folder that paths of the config start from; default: the working directory. */
  readonly root?: string;
  readonly maxSeconds?: number;
  /** Steps between writings of `last.ckpt` within an epoch. */
  readonly saveEvery: number;
  /** Stop at the first sample that cannot be read. */
  readonly strict: boolean;
  readonly compile?: Compile;
  readonly requests?: Requests;
  /** Told what is worth a line before training begins. */
  readonly onNote: (line: string) => void;
  readonly onEvent: (event: TrainEvent) => void;
}

/**
 * Train what a config describes, in a run folder: data, weights to begin with, checkpoints, logs. Weights and loaders are
 * freed at the end, and the folder is given back.
 * @throws ConfigError, DataError, CheckpointError, NonFiniteLossError; Error for a folder that another run is using
 */
export async function trainFromConfig(request: TrainRequest): Promise<Omit<TrainEnd, 'divided'>> {
  const { config, run, onNote } = request;
  const seed = await seedOf(request);
  const settings = runSettings(config);
  const { accumulate, batchSize, clipNorm } = settings;
  const rule = { base: baseRate(config), scale: request.scaleLr, accumulate, devices: request.devices, batchSize };
  const rules = settings.rateRules?.map(({ match, lr }) => ({
    match,
    lr: lr === null ? null : learningRate({ ...rule, base: lr }),
  }));
  const built = buildTraining(config, learningRate(rule), {
    accumulate,
    ...(clipNorm === null ? {} : { clipNorm }),
    ...(rules ? { rules } : {}),
  });
  await makeRunFolder(run);
  const unlock = await lockRun(run.folder);
  const closing: (() => Promise<void>)[] = [unlock];
  try {
    const loaders = openLoaders(request, settings, seed);
    for (const loader of Object.values(loaders)) if (loader) closing.unshift(() => loader.close());
    const tokenize = await captionTokenizer(built.captionLength);
    onNote(`train: ${loaders.train.dataset.length} samples, ${loaders.train.batchesPerEpoch} batches an epoch`);
    if (loaders.validation) onNote(`validation: ${loaders.validation.dataset.length} samples`);
    onNote(describeLearningRate(rule));
    for (const { match, lr } of rules ?? []) {
      onNote(`  ${match.source}: ${lr === null ? 'frozen' : `learning rate ${lr.toExponential(2)}`}`);
    }
    for (const option of settings.unapplied) onNote(`lightning.trainer.${option}: accepted, changes nothing here`);

    const source = faceSource(loaders.train, tokenize);
    const keeper = new CheckpointKeeper({
      folder: run.checkpoints,
      training: built.training,
      specs: built.specs,
      seed,
      config,
      ranking: { keep: keptBest(settings.checkpoint), mode: settings.checkpoint.mode },
    });
    const { divided, progress } = await begin(request, built, keeper, source, seed);
    await writeConfigs(run, config);
    const from = { step: progress.globalStep + 1 };
    const log = joinSinks([
      await openEventFile(run.testtube, from),
      await openJsonLines(join(run.folder, 'log.jsonl'), from),
    ]);
    closing.unshift(() => log.close());
    const { maxEpochs, maxSteps, saveWeightsEvery, imageLogger, precision } = settings;
    const maxSeconds = request.maxSeconds ?? settings.maxSeconds;
    const compile = withPrecision(request.compile ?? eagerly, precision);
    if (precision !== 'float32') onNote(`steps compute in ${precision}, weights and optimizers in float32`);
    const readTokens = built.captionLength === null ? null : await captionReader();
    const images =
      imageLogger &&
      new ImageLogger({
        config: imageLogger,
        make: built.pictures({ kwargs: imageLogger.logImagesKwargs, compile, readTokens }),
        training: built.training,
        seed,
        folder: run.folder,
        log,
        memory: keeper,
      });
    const end = await train({
      training: built.training,
      divided,
      progress,
      seed,
      train: limited(source, settings.limitTrain),
      validation: loaders.validation && limited(faceSource(loaders.validation, tokenize), settings.limitValidation),
      monitor: settings.checkpoint.monitor ?? built.monitor,
      accumulate,
      rates: built.rates,
      keeper,
      log,
      ...(images ? { images } : {}),
      folder: run.folder,
      limits: {
        maxEpochs,
        ...(maxSteps === null ? {} : { maxSteps }),
        ...(maxSeconds === null ? {} : { maxSeconds }),
      },
      logEvery: settings.logEvery,
      saveEvery: request.saveEvery,
      ...(saveWeightsEvery === null ? {} : { saveWeightsEvery }),
      ...(built.lrFactor ? { lrFactor: built.lrFactor } : {}),
      compile,
      validateEvery: settings.validateEvery,
      sanityBatches: settings.sanityBatches,
      ...(request.requests ? { requests: request.requests } : {}),
      onEvent: request.onEvent,
    });
    tf.dispose([...built.training.weights(end.divided).values(), ...optimizerMemory(end.divided.state).values()]);
    return { why: end.why, progress: end.progress };
  } finally {
    for (const close of closing) await close();
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

/** Weights and place to begin with. */
async function begin(
  { run, resume, root = '.', onNote }: TrainRequest,
  built: BuiltTraining,
  keeper: CheckpointKeeper,
  source: BatchSource,
  seed: number,
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
      return { divided, progress: record.progress };
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
    const { params, factor, batches, images } = await built.measure(weights, source, seed);
    for (const [key, tensor] of params) {
      weights.get(key)?.dispose();
      weights.set(key, tensor);
    }
    onNote(`scale_factor: ${factor.toPrecision(6)}, measured on ${images} images of the first ${batches} batch(es)`);
  }
  return { divided: built.training.divide(weights), progress: BEGINNING };
}

function openLoaders({ strict, onNote }: TrainRequest, settings: RunSettings, seed: number) {
  const { batchSize, numWorkers } = settings;
  const workers = Math.min(numWorkers ?? 2 * batchSize, Math.max(1, availableParallelism() - 1));
  const onWarning = (message: string, count: number) => onNote(`left out (${count}): ${message}`);
  const open = (dataset: FaceDatasetOptions, shuffle: boolean) =>
    new FaceLoader({ dataset, batchSize, seed, shuffle, workers, strict, onWarning });
  return {
    train: open(settings.train, true),
    validation: settings.validation ? open(settings.validation, settings.shuffleValidation) : undefined,
  };
}

/** The configuration of the run, in the original's two files. */
async function writeConfigs({ configs, now }: RunFolder, { lightning, ...rest }: ResolvedConfig): Promise<void> {
  const write = (name: string, tree: ConfigTree): Promise<void> =>
    atomicWrite(join(configs, `${now}-${name}.yaml`), (sink) => sink.write(new TextEncoder().encode(dumpYaml(tree))));
  await write('project', rest);
  await write('lightning', { lightning: lightning ?? {} });
}

function baseRate({ model }: ResolvedConfig): number {
  if (typeof model.base_learning_rate === 'number') return model.base_learning_rate;
  throw new TrainError(
    'train: model.base_learning_rate is missing; give it in the config, or as model.base_learning_rate=1e-6',
  );
}
