import { join } from 'node:path';
import { type ConfigTree, dumpYaml, type ResolvedConfig } from '@codiff/ldm-core';
import { atomicWriteText } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { CheckpointKeeper } from '../checkpoint/keeper.js';
import { optimizerMemory } from '../checkpoint/optimizer-memory.js';
import type { Progress } from '../checkpoint/progress.js';
import { lockRun } from '../checkpoint/run-lock.js';
import { ImageLogger, type ImageLoggerSetup } from '../images/image-logger.js';
import { openEventFile } from '../log/event-file.js';
import { openJsonLines } from '../log/json-lines.js';
import { joinSinks, type LogSink } from '../log/log-sink.js';
import { train } from '../loop/train.js';
import type { TrainEnd } from '../loop/train-run.js';
import { validate } from '../loop/validate.js';
import { Team } from '../parallel/team.js';
import { TeamKeeper } from '../parallel/team-keeper.js';
import { SESSION } from '../report/run-log.js';
import { describeSession } from '../report/session.js';
import { writeRunReport } from '../report/write-run-report.js';
import type { Divided } from '../steps/train-state.js';
import { TrainError } from '../train-error.js';
import { captionReader } from './face-source.js';
import { beginRun, openData, type PlannedRun, planRun, type RunData } from './prepare-run.js';
import { discardRunFolder, eventFolder, makeRunFolder, type RunFolder } from './run-folder.js';
import { keptBest } from './run-settings.js';
import type { TrainRequest } from './train-request.js';

/** How a run ended; `tested`: it was not to train. */
export interface RunEnd {
  readonly why: TrainEnd['why'] | 'tested';
  readonly progress: Progress;
}

/**
 * Train what a config describes, in a run folder: data, weights to begin with, checkpoints, logs. Weights and loaders are
 * freed at the end, and the folder is given back.
 * @throws ConfigError, DataError, CheckpointError, NonFiniteLossError; Error for a folder that another run is using
 */
export async function trainFromConfig(request: TrainRequest): Promise<RunEnd> {
  const { config, run, onNote } = request;
  const planned = await planRun(request);
  const { seed, settings, built, compile } = planned;
  if (request.train === false && settings.test === null) {
    throw new TrainError('train: nothing to do: give -t to train, or a test set under data.params.test');
  }
  const isFirst = (request.team?.rank ?? 0) === 0;
  const closing: (() => Promise<void>)[] = [];
  /** The outermost folder that was made, while nothing is in it yet that is worth keeping. */
  let discardable: string | null = null;
  if (isFirst) {
    discardable = await makeRunFolder(run);
    closing.push(await lockRun(run.folder));
  }
  try {
    const maxSeconds = request.maxSeconds ?? settings.maxSeconds;
    const { accumulate, logEvery } = settings;
    const { requests } = request;
    const options = { requests, maxSeconds: maxSeconds ?? undefined, limit: logEvery * accumulate };
    const team = request.team && new Team(request.team, options);
    // The folder is this run's from here on.
    await team?.wait('folder');
    const data = await openData(request, planned);
    closing.unshift(() => data.close());
    onNote(`train: ${data.samples.train} samples, ${data.train.length} batches an epoch`);
    if (data.validation) onNote(`validation: ${data.samples.validation} samples`);
    if (data.test) onNote(`test: ${data.samples.test} samples`);
    if (settings.predict) onNote(`predict: ${data.samples.predict} samples, which no command uses`);
    for (const line of planned.rateLines) onNote(line);

    const keeper = new CheckpointKeeper({
      folder: run.checkpoints,
      training: built.training,
      specs: built.specs,
      seed,
      config,
      processes: request.team?.world ?? 1,
      branches: request.branches ?? 1,
      ranking: { keep: keptBest(settings.checkpoint), mode: settings.checkpoint.mode },
    });
    const { divided, progress } = await beginRun(request, built, keeper, data.whole, planned);
    if (isFirst) await writeConfigs(run, config);
    discardable = null;
    request.onBegin?.();
    const from = { step: progress.globalStep + 1 };
    const log = joinSinks(
      isFirst
        ? [
            await openEventFile(eventFolder(run, settings.logVersion), from),
            await openJsonLines(join(run.folder, 'log.jsonl'), from),
          ]
        : [],
    );
    if (isFirst) closing.unshift(() => reportOn(run.folder, onNote));
    closing.unshift(() => log.close());
    await log.text(progress.globalStep, SESSION, describeSession(sessionFacts(request, seed)));
    const { maxEpochs, maxSteps, saveWeightsEvery, imageLogger } = settings;
    const fits = request.train ?? true;
    const cached = settings.cache && fits ? await data.cached(built.training.weights(divided)) : null;
    const readTokens = built.captionLength === null ? null : await captionReader();
    const images =
      imageLogger &&
      isFirst &&
      new ImageLogger({
        config: imageLogger,
        make: built.pictures({ kwargs: imageLogger.logImagesKwargs, compile, readTokens }),
        training: built.training,
        seed,
        folder: run.folder,
        log,
        memory: keeper,
        ...(cached ? { withImages: imagesOf(data) } : {}),
      });
    const fit = async (): Promise<TrainEnd> =>
      await train({
        training: built.training,
        divided,
        progress,
        seed,
        train: (cached ?? data).train,
        validation: (cached ?? data).validation,
        monitor: settings.checkpoint.monitor ?? built.monitor,
        accumulate,
        rates: built.rates,
        keeper: team ? new TeamKeeper(team, keeper, built.training) : keeper,
        team,
        log,
        ...(images ? { images } : {}),
        folder: run.folder,
        limits: {
          maxEpochs,
          ...(maxSteps === null ? {} : { maxSteps }),
          ...(maxSeconds === null ? {} : { maxSeconds }),
        },
        logEvery,
        logRates: settings.logRates,
        saveEvery: request.saveEvery,
        ...(saveWeightsEvery === null ? {} : { saveWeightsEvery }),
        ...(built.lrFactor ? { lrFactor: built.lrFactor } : {}),
        compile,
        validateEvery: settings.validateEvery,
        sanityBatches: settings.sanityBatches,
        ...(requests ? { requests } : {}),
        onEvent: request.onEvent,
      });
    const end = fits ? await fit() : { why: 'tested' as const, progress, divided };
    if ((request.test ?? true) && end.why !== 'asked') await runTest(planned, data, end, log, onNote);
    tf.dispose([...built.training.weights(end.divided).values(), ...optimizerMemory(end.divided.state).values()]);
    return { why: end.why, progress: end.progress };
  } finally {
    for (const close of closing) await close();
    // Data or weights are not there: a run that never began leaves no folder.
    if (discardable !== null) await discardRunFolder(run, discardable);
  }
}

/** What the log says of this process; the machine is added. */
const sessionFacts = ({ device, devices, resume }: TrainRequest, seed: number): Record<string, string | undefined> => ({
  device,
  devices: devices > 1 ? String(devices) : undefined,
  backend: tf.getBackend(),
  seed: String(seed),
  start: resume === undefined ? 'new' : 'resumed',
});

/** The run's page, however the run ended. A page that cannot be written ends no run: the log can make it again. */
async function reportOn(folder: string, onNote: (line: string) => void): Promise<void> {
  try {
    await writeRunReport(folder);
  } catch (error) {
    onNote(
      `no report: ${error instanceof Error ? error.message : String(error)}; codiff report ${folder} makes it again`,
    );
  }
}

/** The batch of a moment with its images, where steps work on latents. */
const imagesOf =
  ({ train, validation }: RunData): NonNullable<ImageLoggerSetup['withImages']> =>
  async (batch, { split, epoch, batchIndex }) => {
    const batches = split === 'train' ? train.epoch(epoch, batchIndex) : validation?.epoch(0, batchIndex);
    for await (const whole of batches ?? []) return whole;
    return batch;
  };

/** The losses of the test set, under `test/`. The original looks for one after training too, and its configs have none. */
async function runTest(
  { seed, built, compile }: PlannedRun,
  { test }: RunData,
  { divided, progress }: { readonly divided: Divided; readonly progress: Progress },
  log: LogSink,
  onNote: (line: string) => void,
): Promise<void> {
  if (test === undefined) return;
  const evaluate = compile(built.training.evaluate, { name: 'test step' });
  const values = await validate({ source: test, evaluate, divided, seed, globalStep: progress.globalStep });
  const named = Object.entries(values).map(([name, value]) => [name.replace(/^val\//, 'test/'), value] as const);
  await log.scalars(progress.globalStep, Object.fromEntries(named));
  onNote(`test: ${named.map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`).join(', ')}`);
}

/** The configuration of the run, in the original's two files. */
async function writeConfigs({ configs, now }: RunFolder, { lightning, ...rest }: ResolvedConfig): Promise<void> {
  const write = (name: string, tree: ConfigTree): Promise<void> =>
    atomicWriteText(join(configs, `${now}-${name}.yaml`), dumpYaml(tree));
  await write('project', rest);
  await write('lightning', { lightning: lightning ?? {} });
}
