import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { InputError } from '../input-error.js';
import { UsageError } from '../usage-error.js';
import { hashMask, readMask } from './mask.js';
import { type Recipe, readRecipe } from './recipe.js';
import { type CommandDefaults, extrasOf, type NamedFile, type Request, type RequestFlags } from './request.js';
import { requireFile } from './required-file.js';
import { hashSketch, readSketchFile } from './sketch.js';

/** Flags whose values the image's recipe has. Files may have moved, and may be named. */
export const DECIDED = [
  'input_text',
  'negative_text',
  'guidance_scale',
  'batch_size',
  'num_samples',
  'seed',
  'sampler',
  'ddim_steps',
  'eta',
  'precision',
  'pack_weights',
  'enable_freeu',
  'b1',
  'b2',
  's1',
  's2',
] as const satisfies readonly (keyof RequestFlags)[];

/** Where reruns go, so that they do not replace what they are compared with. */
export const RERUN_FOLDER = 'outputs/rerun';

/**
 * The request that makes the batch of an image again.
 * @param image its path @param flags those given @param mixedBy whether the image's command writes images over masks by itself
 * @throws UsageError for flags that the recipe decides; InputError if the image carries no recipe, or its mask is gone
 */
export async function rerunRequest(
  image: string,
  flags: RequestFlags,
  mixedBy: (command: Recipe['command']) => Pick<CommandDefaults, 'mixed'>,
): Promise<Request> {
  const decided = DECIDED.find((name) => flags[name] !== undefined);
  if (decided !== undefined) throw new UsageError(`--${decided} is decided by the image of --from; leave it out`);
  await requireFile('from', { path: image, isDefault: false });
  const recipe = await readRecipe(image);
  const named = (given: string | undefined, recorded: string): NamedFile => ({
    path: given ?? recorded,
    isDefault: false,
  });
  const { sampler } = recipe;
  return {
    command: recipe.command,
    config: named(flags.config_path, recipe.config.path),
    checkpoint: named(flags.ckpt_path, recipe.checkpoint.path),
    text: recipe.text,
    negativeText: recipe.negativeText,
    guidanceScale: recipe.guidanceScale ?? 1,
    mask: recipe.mask && named(await findMask(image, flags.mask_path, recipe.mask), ''),
    sketch: recipe.sketch && named(await findSketch(image, flags.sketch_path, recipe.sketch), ''),
    freeU: recipe.freeU,
    sampler: {
      sampler: sampler.name,
      ...(sampler.name === 'ddpm' ? {} : { ddim_steps: String(sampler.steps), eta: sampler.eta }),
    },
    seed: recipe.seed,
    batches: [{ first: recipe.firstIndex, size: recipe.batchSize }],
    precision: recipe.precision,
    packWeights: recipe.packWeights,
    device: flags.device ?? recipe.device,
    memoryLimit: flags.memory_limit,
    folder: flags.save_folder ?? RERUN_FOLDER,
    extras: extrasOf(flags, mixedBy(recipe.command)),
    quiet: flags.quiet ?? false,
    rerun: { image, recipe },
  };
}

async function findSketch(
  image: string,
  given: string | undefined,
  recorded: NonNullable<Recipe['sketch']>,
): Promise<string> {
  const path = given ?? recorded.path;
  if (existsSync(path) && hashSketch(await readSketchFile(path)) === recorded.sha256) return path;
  throw new InputError(`--from ${image}: the sketch that it was made with is not at ${path}; give it by --sketch_path`);
}

/** The mask that was used: where it was, or the copy beside the image. */
async function findMask(
  image: string,
  given: string | undefined,
  recorded: NonNullable<Recipe['mask']>,
): Promise<string> {
  const candidates = given !== undefined ? [given] : [recorded.path, join(dirname(image), basename(recorded.path))];
  for (const path of candidates) {
    if (existsSync(path) && hashMask(await readMask(path)) === recorded.sha256) return path;
  }
  throw new InputError(
    `--from ${image}: the mask that it was made with is not at ${candidates.join(' nor at ')}; give it by --mask_path`,
  );
}
