import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { LatentDiffusion } from '@codiff/ldm-core';
import { hashFile } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { type OpenModel, openModel } from '../generate/open-model.js';
import { OutputFolder } from '../generate/output-folder.js';
import { encodeRgb } from '../generate/png/rgb.js';
import { withRecipe } from '../generate/recipe.js';
import { extrasOf, type RequestFlags } from '../generate/request.js';
import { DECIDED, RERUN_FOLDER } from '../generate/rerun-request.js';
import { singleModels } from '../generate/single-model.js';
import { TextReader } from '../generate/text-reader.js';
import { InputError } from '../input-error.js';
import { UsageError } from '../usage-error.js';
import { type CollaborativeRecipe, type ImagicRecipe, readEditRecipe } from './edit-recipe.js';
import { FILES } from './imagic-files.js';
import { sampleEdited } from './imagic-images.js';
import { encodeCondition } from './imagic-inputs.js';
import { prepareCollaborative } from './prepare-collaborative.js';
import { runCollaborative } from './run-collaborative.js';
import { inSession } from './session.js';
import { differences, type TunedStage } from './settings.js';
import { stageRecordOf } from './stage-record.js';
import { readTensors } from './tensor-files.js';

/** What a rerun has written. */
export interface RerunOutcome {
  readonly command: string;
  readonly folder: string;
  readonly files: readonly string[];
  readonly images: number;
  readonly seed: number;
}

/**
 * Sample an image of an edit again, bit for bit: from the embeddings and the tuned weights that the edit has saved. Nothing is
 * tuned again.
 * @param flags of `generate`; the recipe decides most of them
 * @throws UsageError for those, InputError if the edit's files are gone or others
 */
export async function rerunEdit(image: string, flags: RequestFlags): Promise<RerunOutcome> {
  const decided = [...DECIDED, 'mask_path' as const].find((name) => flags[name] !== undefined);
  if (decided !== undefined) throw new UsageError(`--${decided} is decided by the image of --from; leave it out`);
  const recipe = await readEditRecipe(image);
  if (recipe.command === 'edit collaborative') return rerunCollaborative(image, recipe, flags);
  const { shown } = recipe;
  if (shown.kind === 'sample') return rerunImagic(image, recipe, shown, flags);
  const what = { reconstruction: 'the decoded input', mask: 'a picture of the mask', sheet: 'a contact sheet' };
  throw notSampled(image, what[shown.kind], recipe.command);
}

const notSampled = (image: string, what: string, command: string) =>
  new InputError(
    `--from ${image}: it is ${what}, which is not sampled; give one of the sampled images beside it, or run ` +
      `'codiff ${command}' again with --force`,
  );

const engineOf = (
  flags: RequestFlags,
  { precision, device }: { precision: ImagicRecipe['settings']['precision']; device: string },
) => ({
  precision,
  device: flags.device ?? device,
  memoryLimit: flags.memory_limit,
  quiet: flags.quiet ?? false,
});

async function rerunImagic(
  image: string,
  recipe: ImagicRecipe,
  shown: Extract<ImagicRecipe['shown'], { kind: 'sample' }>,
  flags: RequestFlags,
): Promise<RerunOutcome> {
  const { settings, command } = recipe;
  const { alpha, tuned, image: number, negativeText, guidanceScale = 1 } = shown;
  const stages: TunedStage[] = [...(alpha === 1 ? [] : ['embedding' as const]), ...(tuned ? ['weights' as const] : [])];
  const from = await folderOf(image, recipe, stages);
  const config = { path: flags.config_path ?? settings.config.path, isDefault: false };
  const checkpoint = tuned ? join(from, FILES.weights) : (flags.ckpt_path ?? settings.checkpoint.path);
  const open = await openModel(
    {
      command: command === 'edit text' ? 'text2image' : 'mask2image',
      config,
      checkpoint: { path: checkpoint, isDefault: false },
      freeU: undefined,
    },
    { name: command },
  );
  let folder: OutputFolder | undefined;
  try {
    const { model } = open;
    if (!(model instanceof LatentDiffusion)) throw changed(image, config.path);
    if (open.configHash !== settings.config.sha256) throw changed(image, config.path);
    const texts = negativeText === undefined ? undefined : await TextReader.of(model);
    if (!tuned && (await hashFile(checkpoint)) !== settings.checkpoint.sha256) throw changed(image, checkpoint);
    folder = await OutputFolder.open(flags.save_folder ?? RERUN_FOLDER);
    const output = folder;
    await inSession(
      engineOf(flags, { precision: settings.precision, device: recipe.device }),
      async (session) => {
        const p = await open.weights.load((key) => !key.startsWith('cond_stage_model.'));
        const models = singleModels(model, settings.precision);
        const negative = texts && (await encodeNegative(open, model, texts.ids(negativeText!)));
        const tensors = { ...(await readEdit(from, alpha !== 1)), ...(negative ? { negative } : {}) };
        const bar = session.progress(1);
        bar.status('sampling');
        const bytes = await sampleEdited(models, p, tensors, {
          ...{ alpha, image: number, condition: 'edited', legacyStartCode: shown.legacyStartCode, seed: settings.seed },
          guidanceScale,
          ...{ sampler: shown.sampler, latent: open.latent, signal: session.signal, onStep: () => undefined },
        });
        bar.clear();
        models.dispose();
        p.dispose();
        tf.dispose(Object.values(tensors));
        const { device, threads, libraryVersion: tensorflow } = session.info;
        await output.write(basename(image), withRecipe(encodeRgb(bytes), { ...recipe, device, threads, tensorflow }));
      },
      { threads: recipe.threads },
    );
    return { command, folder: folder.path, files: folder.files, images: 1, seed: settings.seed };
  } finally {
    await folder?.discardIfEmpty();
    await open.weights.close();
  }
}

/** The text to steer away from, encoded as the edit did [1,L,D]. The caller owns it. */
async function encodeNegative({ weights }: OpenModel, model: LatentDiffusion, ids: tf.Tensor): Promise<tf.Tensor3D> {
  const encoder = await weights.load((key) => key.startsWith('cond_stage_model.'));
  try {
    return encodeCondition(model, encoder, ids);
  } finally {
    encoder.dispose();
  }
}

/** The folder with the files of an image's edit: the image's own, or where it was made. */
async function folderOf(image: string, recipe: ImagicRecipe, stages: readonly TunedStage[]): Promise<string> {
  const names = { embedding: FILES.optimized, weights: FILES.weights };
  const folders = [...new Set([dirname(image), recipe.folder])];
  const wanted = [FILES.target, FILES.startCode, ...stages.map((stage) => names[stage])];
  const found = folders.find((folder) => wanted.every((name) => existsSync(join(folder, name))));
  if (found === undefined) {
    throw new InputError(
      `--from ${image}: the edit that it is of is not in ${folders.join(' nor in ')} (wanted ${wanted.join(', ')}); ` +
        `put the image back beside them, or run 'codiff ${recipe.command}' again`,
    );
  }
  for (const stage of stages) {
    const path = join(found, names[stage]);
    const record = await stageRecordOf(path);
    const differing = record ? differences(recipe.settings, record.settings, stage) : ['nothing says what it is of'];
    if (differing.length === 0) continue;
    throw new InputError(
      `--from ${image}: ${path} is of another edit: ${differing.join(', ')}; run 'codiff ${recipe.command}' with the image's settings`,
    );
  }
  return found;
}

async function readEdit(folder: string, hasOptimized: boolean) {
  const read = async <T extends tf.Tensor>(name: string): Promise<T> =>
    [...(await readTensors(join(folder, name))).tensors.values()][0] as T;
  const stored = await read<tf.Tensor4D>(FILES.startCode);
  const startCode = tf.transpose(stored, [0, 2, 3, 1]);
  stored.dispose();
  return {
    target: await read<tf.Tensor3D>(FILES.target),
    ...(hasOptimized ? { optimized: await read<tf.Tensor3D>(FILES.optimized) } : {}),
    startCode,
  };
}

const changed = (image: string, path: string) =>
  new InputError(`--from ${image}: ${path} has changed since; wanted the file with which the image was made`);

async function rerunCollaborative(
  image: string,
  recipe: CollaborativeRecipe,
  flags: RequestFlags,
): Promise<RerunOutcome> {
  const { text, mask, seed, sampler, image: own, command } = recipe;
  if (own === undefined) throw notSampled(image, 'a contact sheet', command);
  const named = (path: string) => ({ path, isDefault: false });
  const engine = engineOf(flags, recipe);
  const note = (line: string): void => {
    if (!engine.quiet) process.stderr.write(`${line}\n`);
  };
  const prepared = await prepareCollaborative(
    {
      ...engine,
      text: named(text.folder),
      mask: named(mask.folder),
      config: named(flags.config_path ?? recipe.config.path),
      checkpoint: named(flags.ckpt_path ?? recipe.checkpoint.path),
      folder: flags.save_folder ?? RERUN_FOLDER,
      bySeed: false,
      alphas: [{ alpha: own.alpha, index: own.alphaIndex }],
      seed,
      negativeText: recipe.negativeText,
      guidanceScale: recipe.guidanceScale ?? 1,
      sampler: {
        sampler: sampler.name,
        ...(sampler.name === 'ddpm' ? {} : { ddim_steps: String(sampler.steps), eta: sampler.eta }),
      },
      batches: [{ first: own.firstIndex, size: own.batchSize }],
      extras: extrasOf(flags, { mixed: false }),
      force: true,
    },
    note,
  );
  try {
    const { open, request } = prepared;
    if (open.configHash !== recipe.config.sha256) throw changed(image, request.config.path);
    if (prepared.checkpointHash !== recipe.checkpoint.sha256) throw changed(image, request.checkpoint.path);
    for (const edit of ['text', 'mask'] as const) {
      if (prepared[edit].sha256 !== recipe[edit].sha256) throw changed(image, prepared[edit].folder);
    }
    const { folder, files, images } = await inSession(
      request,
      (session) => runCollaborative(prepared, session),
      recipe,
    );
    return { command, folder, files, images: images.made, seed };
  } finally {
    await prepared.folder.discardIfEmpty();
    await prepared.open.weights.close();
  }
}
