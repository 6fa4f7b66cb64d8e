import { randomInt } from 'node:crypto';
import { join } from 'node:path';
import {
  adamBy,
  editedImageBytes,
  embeddingOf,
  embeddingStep,
  imagicAdam,
  type NoiseDraw,
  noiseDraws,
  readImages,
  startEmbedding,
  type TuneState,
  takeForTuning,
  weightsStep,
} from '@codiff/codiff';
import { compile } from '@codiff/engine';
import { Params, Rng, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { SEEDS } from '../generate/flags/common.js';
import { paintMask } from '../generate/palette.js';
import { encodeRgb } from '../generate/png/rgb.js';
import { withRecipe } from '../generate/recipe.js';
import type { SamplingModels } from '../generate/sampling-model.js';
import { singleModels } from '../generate/single-model.js';
import { type ImagicRecipe, isMade } from './edit-recipe.js';
import { EditTensors } from './edit-tensors.js';
import { FILES } from './imagic-files.js';
import { imagicRecipe, missingImages, type PlannedImage, plannedImages, writeImages } from './imagic-images.js';
import { type FirstStage, loadFirstStage, loadNegative, loadStartCode, loadTarget } from './imagic-inputs.js';
import { writeImagicSheet } from './imagic-sheet.js';
import type { PreparedImagic } from './prepare-imagic.js';
import type { EditSession } from './session.js';
import type { TunedStage } from './settings.js';
import { stageRecord } from './stage-record.js';
import { readState, tuneStage } from './tune-stage.js';
import { loadTunedUNet, saveTunedModel, unetSpecs } from './tuned-model.js';

/** What became of an edit by text or mask. */
export interface ImagicOutcome {
  readonly folder: string;
  readonly seed: number;
  /** Paths written, in order. */
  readonly files: readonly string[];
  /** Images sampled now, and those that were there. */
  readonly images: { readonly made: number; readonly kept: number };
  readonly stages: Readonly<Record<TunedStage, 'done' | 'kept'>>;
  /** What another edit of the image may go on with, if it was asked for and has been needed; the caller's. */
  readonly firstStage?: FirstStage | undefined;
}

/** How an edit works together with another. */
export interface ImagicSharing {
  /** A first stage of the very same weights, with this image encoded; left to the caller. */
  readonly firstStage?: FirstStage | undefined;
  /** Hand out the first stage. */
  readonly keep?: boolean | undefined;
}

/**
 * Edit an image by Imagic (Kawar et al., CVPR 2023; original, section 11): optimize the embedding of the condition, tune the
 * model, sample between the embeddings. What is finished in the folder is left as it is.
 */
export async function runImagic(
  prepared: PreparedImagic,
  session: EditSession,
  sharing: ImagicSharing = {},
): Promise<ImagicOutcome> {
  const run = new ImagicRun(prepared, session);
  try {
    return await run.toEnd(sharing);
  } finally {
    run.dispose();
  }
}

class ImagicRun {
  private readonly models: SamplingModels;
  private readonly rng: Rng;
  private readonly tensors: EditTensors;

  constructor(
    private readonly prepared: PreparedImagic,
    private readonly session: EditSession,
  ) {
    this.models = singleModels(prepared.model, prepared.request.precision);
    this.tensors = new EditTensors(prepared);
    this.rng = Rng.of(prepared.settings.seed).split('edit');
  }

  async toEnd({ firstStage: shared, keep = false }: ImagicSharing): Promise<ImagicOutcome> {
    const { prepared, session, tensors } = this;
    const { request, stages, folder, settings } = prepared;
    const all = plannedImages(request);
    const tunesEmbedding = stages.embedding !== 'finished';
    const hasWeights = stages.weights === 'finished';
    const unmade = await missingImages(prepared, session, all);
    const asksForWeights = unmade.some(({ tuned }) => tuned) || (request.saveCheckpoint && !hasWeights);
    // What was drawn by chance comes out another way each time: images of the old result do not belong to the new one.
    const isStale = (image: PlannedImage): boolean =>
      settings.setRandomSeed && ((tunesEmbedding && !isStart(image)) || (image.tuned && !hasWeights && asksForWeights));
    const missing = all.filter((image) => unmade.includes(image) || isStale(image));
    const [original, tuned] = [missing.filter((image) => !image.tuned), missing.filter((image) => image.tuned)];
    const [start, others] = [original.filter(isStart), original.filter((image) => !isStart(image))];
    const wantsWeights = asksForWeights || tuned.length > 0;
    const tunesWeights = wantsWeights && !hasWeights;
    const goesOn = typeof stages.weights === 'object';
    const outcome = (firstStage?: FirstStage): ImagicOutcome => ({
      folder: folder.path,
      seed: settings.seed,
      files: folder.files,
      images: { made: missing.length, kept: all.length - missing.length },
      stages: { embedding: tunesEmbedding ? 'done' : 'kept', weights: tunesWeights ? 'done' : 'kept' },
      firstStage,
    });
    if (!tunesEmbedding) session.note(`stage A: kept (${FILES.optimized})`);
    if (!tunesWeights) session.note(`stage B: ${hasWeights ? `kept (${FILES.weights})` : 'its images are all there'}`);
    const fixed = [FILES.reconstruction, FILES.sheet].every((name) => tensors.has(name));
    if (fixed && missing.length === 0 && !tunesEmbedding && !wantsWeights) return outcome();
    if (request.force) {
      for (const name of [FILES.optimized, FILES.weights, FILES.partEmbedding, FILES.partWeights]) {
        await folder.remove(name);
      }
    }

    await this.writeMask();
    const firstStage = shared ?? (await loadFirstStage(prepared, tensors, this.rng));
    await this.writeReconstruction(firstStage);
    const target = await loadTarget(prepared, tensors, !tunesEmbedding);
    const startCode = await loadStartCode(prepared, tensors, this.rng, !tunesEmbedding);
    const negative = missing.length > 0 ? await loadNegative(prepared, tensors) : undefined;
    const { x0 } = firstStage;

    let unet: Params | undefined;
    if (tunesEmbedding || original.length > 0 || (tunesWeights && !goesOn)) unet = await tensors.load(isUNet);
    const sample = (images: readonly PlannedImage[], weights: Params, optimized?: tf.Tensor3D) =>
      images.length === 0
        ? Promise.resolve()
        : writeImages(images, prepared, session, this.models, firstStage.params.merge(weights), {
            target,
            optimized,
            startCode,
            negative,
          });
    if (unet) await sample(start, unet);
    const optimized = tunesEmbedding
      ? await this.stageA(unet!, x0, target)
      : await tensors.read<tf.Tensor3D>(FILES.optimized);
    if (unet) await sample(others, unet, optimized);

    let tunedUNet: Params | undefined;
    if (tunesWeights) {
      if (goesOn) tensors.free(unet);
      tunedUNet = await this.stageB(goesOn ? undefined : unet, x0, optimized);
    } else if (wantsWeights) {
      tensors.free(unet);
      tunedUNet = tensors.holdAll(
        await loadTunedUNet(join(folder.path, FILES.weights), unetSpecs(prepared.open.specs)),
      );
    }
    if (tunedUNet) await sample(tuned, tunedUNet, optimized);

    const sheet = imagicRecipe(prepared, session, { kind: 'sheet' });
    if (missing.length > 0 || !(await isMade(join(folder.path, FILES.sheet), sheet))) {
      await writeImagicSheet(prepared, session);
    }
    if (settings.setRandomSeed && tunesEmbedding)
      session.note('every iteration drew by chance: the edit cannot be repeated');
    if (!keep) return outcome();
    tensors.release(tensorsOf(firstStage));
    return outcome(firstStage);
  }

  dispose(): void {
    this.tensors.dispose();
    this.models.dispose();
  }

  /** Stage A: the embedding. */
  private async stageA(unet: Params, x0: tf.Tensor4D, target: tf.Tensor3D): Promise<tf.Tensor3D> {
    const { prepared, session } = this;
    const { model, request, stages, folder, settings } = prepared;
    const { lr, iterations } = settings.embedding;
    const from = doneOf(stages.embedding);
    const initial =
      from > 0 ? await readState(folder.path, FILES.partEmbedding, embeddingKeys(target)) : startEmbedding(target);
    const update = adamBy(imagicAdam(initial.trained.keys(), lr));
    const step = compile(
      (state: TuneState, p: Params, clean: tf.Tensor4D, draw: NoiseDraw) =>
        embeddingStep(model, state, { p, x0: clean, draw }, update),
      { name: 'tune the embedding', precision: this.tuningPrecision, state: 0 },
    );
    const record = (done: number) => stageRecord('embedding', settings, done);
    try {
      const state = await tuneStage(
        initial,
        {
          ...{ title: 'stage A, the embedding', iterations, from, part: FILES.partEmbedding, record },
          step: (state, draw) => step(state, unet, x0, draw),
          draw: this.draws('A', x0),
          saveMinutes: request.saveMinutes,
        },
        folder,
        session,
      );
      const optimized = embeddingOf(state);
      tf.dispose(tensorsOf(state).filter((tensor) => tensor !== optimized));
      this.tensors.hold(optimized);
      await this.tensors.save(FILES.optimized, optimized, record(iterations));
      await folder.remove(FILES.partEmbedding);
      return optimized;
    } finally {
      step.dispose();
    }
  }

  /** Stage B: the UNet. @param unet consumed; absent where a stopped stage goes on */
  private async stageB(unet: Params | undefined, x0: tf.Tensor4D, embedding: tf.Tensor3D): Promise<Params> {
    const { prepared, session } = this;
    const { model, open, request, stages, folder, settings } = prepared;
    const { lr, iterations } = settings.weights;
    const keys = [...unetSpecs(open.specs).keys()];
    let initial: TuneState;
    if (unet) {
      this.tensors.release(unet.values());
      initial = takeForTuning(unet);
    } else initial = await readState(folder.path, FILES.partWeights, keys);
    const update = adamBy(imagicAdam(keys, lr));
    const step = compile(
      (state: TuneState, clean: tf.Tensor4D, emb: tf.Tensor3D, draw: NoiseDraw) =>
        weightsStep(model, state, { p: new Params(), x0: clean, embedding: emb, draw }, update),
      { name: 'tune the weights', precision: this.tuningPrecision, state: 0 },
    );
    const record = (done: number) => stageRecord('weights', settings, done);
    try {
      const state = await tuneStage(
        initial,
        {
          ...{ title: 'stage B, the weights', iterations, part: FILES.partWeights, record },
          from: doneOf(stages.weights),
          step: (state, draw) => step(state, x0, embedding, draw),
          draw: this.draws('B', x0),
          saveMinutes: request.saveMinutes,
        },
        folder,
        session,
      );
      tf.dispose(tensorsOf(state.optim));
      this.tensors.holdAll(state.trained);
      if (request.saveCheckpoint) {
        session.note(`saving the tuned model as ${FILES.weights}`);
        await folder.save(FILES.weights, (path) => saveTunedModel(path, open, state.trained, record(iterations)));
      }
      await folder.remove(FILES.partWeights);
      return state.trained;
    } finally {
      step.dispose();
    }
  }

  /** Gradients of this loss are too small for float16; everything else may use it. */
  private get tuningPrecision() {
    const { precision } = this.prepared.request;
    return precision === 'float16' ? 'float32' : precision;
  }

  private draws(stage: 'A' | 'B', { shape }: tf.Tensor4D): (index: number) => NoiseDraw {
    const { schedule } = this.prepared.model;
    const drawsOf = (rng: Rng) => noiseDraws(rng, shape, schedule.timesteps);
    if (!this.prepared.settings.setRandomSeed) return drawsOf(this.rng.split(`stage ${stage}`));
    return (index) => drawsOf(Rng.of(randomInt(SEEDS)))(index);
  }

  private async writeMask(): Promise<void> {
    const { mask } = this.prepared;
    if (mask) await this.writeFixed(mask.name, 'mask', () => encodeRgb(paintMask(mask)));
  }

  private async writeReconstruction({ params, x0 }: FirstStage): Promise<void> {
    await this.writeFixed(FILES.reconstruction, 'reconstruction', async () => {
      const decode = compile((p: Params, z: tf.Tensor4D) => this.prepared.model.decodeFirstStage(p, z), {
        name: 'decode',
      });
      const images = decode(params, x0);
      try {
        return encodeRgb(editedImageBytes(await readImages(images))[0]!);
      } finally {
        images.dispose();
        decode.dispose();
      }
    });
  }

  /** Write an image that no stage changes, unless it is there. */
  private async writeFixed(
    name: string,
    kind: Exclude<ImagicRecipe['shown']['kind'], 'sample'>,
    png: () => Uint8Array | Promise<Uint8Array>,
  ): Promise<void> {
    const { folder, request } = this.prepared;
    const recipe = imagicRecipe(this.prepared, this.session, { kind });
    if (!request.force && (await isMade(join(folder.path, name), recipe))) return;
    await folder.write(name, withRecipe(await png(), recipe));
  }
}

const isStart = ({ name }: PlannedImage): boolean => name.startsWith('A_start');
const isUNet = (key: string): boolean => key.startsWith('model.');
const doneOf = (stage: PreparedImagic['stages'][TunedStage]): number => (typeof stage === 'object' ? stage.done : 0);

/** The names under which stage A keeps what it tunes. */
function embeddingKeys(target: tf.Tensor3D): string[] {
  const state = startEmbedding(target);
  tf.dispose(tensorsOf(state));
  return [...state.trained.keys()];
}
