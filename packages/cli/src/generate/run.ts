import { LatentDiffusionCompose } from '@codiff/codiff';
import type { EngineInfo } from '@codiff/engine';
import { hashFile } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { Interrupted } from '../interrupted.js';
import { recordBatch } from './batch-record.js';
import { branchesOf } from './branches.js';
import { collaborativeModels } from './collaborative-model.js';
import { type InterruptWatch, watchInterrupts } from './interrupt.js';
import { oneHotMask } from './mask.js';
import { explainMemory } from './memory.js';
import { paintMask } from './palette.js';
import { encodeRgb } from './png/rgb.js';
import { type Prepared, prepare } from './prepare.js';
import { Progress } from './progress.js';
import { type Recipe, withRecipe } from './recipe.js';
import { recipeOf } from './recipe-of.js';
import type { ReportPlace, RunReport } from './report/run-report.js';
import type { BatchRange, Request } from './request.js';
import { sampleBatch } from './sample-batch.js';
import { stepsNote } from './sampler-settings.js';
import type { ConditionInputs, Guidance, SamplingModel } from './sampling-model.js';
import { singleModels } from './single-model.js';
import { startEngine } from './start-engine.js';
import { weightStorage } from './weight-storage.js';
import { writeBatch } from './write-batch.js';

/** What came of a run. */
export interface RunResult {
  readonly command: Request['command'];
  readonly folder: string;
  /** Paths, in the order in which they were written. */
  readonly files: readonly string[];
  readonly images: number;
  readonly seed: number;
  readonly sampler: string;
  /** Denoising steps of a batch. */
  readonly steps: number;
  readonly stepsPerSecond: number;
  readonly seconds: number;
  readonly device: string;
}

/**
 * Do what a request asks for: check it, load the model, sample, write.
 * @throws InputError or UsageError for what the user can mend, Interrupted after Ctrl-C
 */
export async function run(request: Request): Promise<RunResult> {
  const began = performance.now();
  const note = (text: string): void => {
    if (!request.quiet) process.stderr.write(`${text}\n`);
  };
  const prepared = await prepare(request);
  const { folder, open, sampler } = prepared;
  const watch = watchInterrupts(() => note('\nstopping after this step (Ctrl-C again: at once)'));
  const progress = new Progress(sampler.taken * request.batches.length, process.stderr, request.quiet);
  // Told when it is over: of a run that fails the error alone is said, in one line.
  const facts = factsOf(prepared);
  try {
    progress.status(`${facts[0]}: loading the model`);
    const info = await startEngine(
      request,
      request.rerun?.recipe ?? { branches: branchesOf(open.model, smallestBatch(request)) },
    );
    facts.push(...differencesOf(request.rerun?.recipe, info));
    const model = await loadModel(prepared, info);
    watch.signal.throwIfAborted();
    progress.status(`${facts[0]}: first step`);
    await sampleAll(prepared, model, info, watch, progress);
    progress.clear();
    for (const fact of facts) note(fact);
    return {
      command: request.command,
      folder: folder.path,
      files: folder.files,
      images: request.batches.reduce((sum, { size }) => sum + size, 0),
      seed: request.seed,
      sampler: sampler.config.name,
      steps: sampler.taken,
      stepsPerSecond: progress.rate,
      seconds: (performance.now() - began) / 1000,
      device: info.device,
    };
  } catch (error) {
    progress.clear();
    await folder.discardIfEmpty();
    // Whatever an interruption stopped first: it is one.
    if (!watch.signal.aborted) throw explainMemory(error, request);
    for (const fact of facts) note(fact);
    throw new Interrupted(`stopped; ${folder.files.length} files are in ${folder.path}`);
  } finally {
    watch.stop();
    await open.weights.close();
  }
}

/** Images that a step computes at least, twice with guidance. */
const smallestBatch = ({ batches, negativeText }: Request): number =>
  (negativeText === undefined ? 1 : 2) * Math.min(...batches.map(({ size }) => size));

async function loadModel(
  { request, open, mask, sketch, texts }: Prepared,
  { branches }: EngineInfo,
): Promise<SamplingModel> {
  const { text, negativeText, guidanceScale, precision } = request;
  const p = await open.weights.load(undefined, weightStorage(precision));
  const inputs = (words: string | undefined): ConditionInputs => ({
    ...(mask ? { seg_mask: oneHotMask(mask) } : {}),
    ...(sketch ? { sketch: tf.tensor3d(sketch, [1, 1, sketch.length]) } : {}),
    ...(texts && words !== undefined ? { text: texts.ids(words) } : {}),
  });
  const guidance: Guidance = {
    cond: inputs(text),
    uncond: negativeText === undefined ? undefined : inputs(negativeText),
    scale: guidanceScale,
  };
  const models =
    open.model instanceof LatentDiffusionCompose
      ? collaborativeModels(open.model, precision, branches)
      : singleModels(open.model, precision, branches);
  return models.of(p, guidance);
}

async function sampleAll(
  { request, open, sampler, mask, sketch, folder }: Prepared,
  model: SamplingModel,
  info: EngineInfo,
  { signal }: InterruptWatch,
  progress: Progress,
): Promise<void> {
  // Read from the disk while the first batch is sampled; a failure is met where the hash is used.
  const hash = request.rerun
    ? Promise.resolve(request.rerun.recipe.checkpoint.sha256)
    : hashFile(request.checkpoint.path, signal);
  hash.catch(() => undefined);
  const { seed, extras } = request;
  const report = extras.report ? await openReport({ mask, sketch, side: open.side, folder }) : undefined;
  const sampleOne = async (range: BatchRange): Promise<void> => {
    const record = recordBatch(extras);
    let sampled: Awaited<ReturnType<typeof sampleBatch>> | undefined;
    try {
      const onStep = () => progress.step();
      const { config } = sampler;
      sampled = await sampleBatch(model, { range, seed, sampler: config, latent: open.latent, record, signal, onStep });
      const about = {
        request,
        info,
        mask,
        sketch,
        sampler: config,
        configHash: open.configHash,
        checkpointHash: await hash,
      };
      const recipe = (i: number) => recipeOf(about, range, i);
      if (mask && range === request.batches[0]) {
        await folder.write(mask.name, withRecipe(encodeRgb(paintMask(mask)), recipe(0)));
      }
      await writeBatch(
        { range, ...sampled, record, decode: (z) => model.decode(z) },
        {
          folder,
          extras,
          mask,
          recipe,
          check: () => signal.throwIfAborted(),
          report: report?.ofBatch(recipe),
        },
      );
    } finally {
      record.dispose();
      if (sampled) tf.dispose([sampled.z, sampled.images]);
    }
  };
  try {
    for (const range of request.batches) {
      signal.throwIfAborted();
      await sampleOne(range);
    }
  } catch (error) {
    // What was finished before Ctrl-C has its report.
    if (signal.aborted) await report?.write(true);
    throw error;
  }
  progress.status('writing the report');
  await report?.write(false);
}

/** The report's code loads the image libraries: only where there is to be one. */
async function openReport(about: ReportPlace): Promise<RunReport> {
  const { RunReport } = await import('./report/run-report.js');
  return new RunReport(about);
}

/** What a user should know of a run: first its seed and how it samples. */
function factsOf({ request, open, sampler, texts }: Prepared): string[] {
  const { seed, text, negativeText, rerun } = request;
  const steps = stepsNote(sampler, open.model.schedule.timesteps);
  const facts = [`seed ${seed}${rerun ? ' (of the image)' : ''}, ${sampler.config.name}, ${steps}`];
  for (const words of [text, negativeText]) {
    const count = words === undefined ? undefined : texts?.count(words);
    if (count && count.pieces > count.read) {
      facts.push(`the text has ${count.pieces} word pieces, and the model reads the first ${count.read}`);
    }
  }
  return facts;
}

function differencesOf(recipe: Recipe | undefined, info: EngineInfo): string[] {
  if (recipe === undefined) return [];
  const before = `${recipe.device}, TensorFlow ${recipe.tensorflow}`;
  const now = `${info.device}, TensorFlow ${info.libraryVersion}`;
  return before === now ? [] : [`the image was made on ${before}; here it is ${now}, and bits may differ`];
}
