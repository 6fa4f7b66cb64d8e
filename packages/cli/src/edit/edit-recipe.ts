import { existsSync } from 'node:fs';
import { SamplerConfig } from '@codiff/ldm-core';
import { z } from 'zod';
import { PRECISIONS, SEEDS } from '../generate/flags/common.js';
import { parseRecipe, recipeText } from '../generate/recipe.js';
import { requireFile } from '../generate/required-file.js';
import { ImagicSettings } from './settings.js';

const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.strictObject({ path: z.string(), sha256 });
const count = z.int().min(1).max(100_000);

const made = {
  version: z.literal(1),
  program: z.string(),
  device: z.string(),
  threads: count,
  tensorflow: z.string(),
};

/** What an image of an edit by text or mask shows. */
const Shown = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('sample'),
    /** 1 is the target, 0 what stage A has made of it. */
    alpha: z.number(),
    /** Whether stage B has tuned the weights. */
    tuned: z.boolean(),
    /** Which of the images of its alpha: it starts from a start code of its own. */
    image: z.int().min(0).default(0),
    negativeText: z.string().optional(),
    guidanceScale: z.number().optional(),
    sampler: SamplerConfig,
    legacyStartCode: z.boolean(),
  }),
  z.strictObject({ kind: z.literal('reconstruction') }),
  z.strictObject({ kind: z.literal('mask') }),
  z.strictObject({ kind: z.literal('sheet') }),
]);

/** Recipe of an image of `edit text` or `edit mask`. */
export const ImagicRecipe = z.strictObject({
  ...made,
  command: z.enum(['edit text', 'edit mask']),
  settings: ImagicSettings,
  /** Where embeddings and tuned weights lie. */
  folder: z.string(),
  shown: Shown,
});
export type ImagicRecipe = z.output<typeof ImagicRecipe>;

/** One of the edits that collaborate: its folder, and a hash over its embeddings and weights. */
const Edited = z.strictObject({ folder: z.string(), sha256 });

/** Recipe of an image of `edit collaborative`. */
export const CollaborativeRecipe = z.strictObject({
  ...made,
  command: z.literal('edit collaborative'),
  /** Parts of a step that shared the threads; in older images one. */
  branches: count.default(1),
  config: file,
  checkpoint: file,
  text: Edited,
  mask: Edited,
  negativeText: z.string().optional(),
  guidanceScale: z.number().optional(),
  precision: z.enum(PRECISIONS),
  sampler: SamplerConfig,
  seed: z
    .int()
    .min(0)
    .max(SEEDS - 1),
  /** Absent from a sheet of all. */
  image: z
    .strictObject({
      alpha: z.number(),
      /** Place of alpha in its list. */
      alphaIndex: z.int().min(0),
      batchSize: count,
      firstIndex: z.int().min(0),
      batchIndex: z.int().min(0),
    })
    .optional(),
});
export type CollaborativeRecipe = z.output<typeof CollaborativeRecipe>;

/** Recipe of any image of an edit. */
export const EditRecipe = z.discriminatedUnion('command', [ImagicRecipe, CollaborativeRecipe]);
export type EditRecipe = z.output<typeof EditRecipe>;

/** Whether an image says that an edit made it. @throws InputError if it carries no recipe */
export async function isEditImage(path: string): Promise<boolean> {
  await requireFile('from', { path, isDefault: false });
  return /"command":\s*"edit /.test(await recipeText(path));
}

/** The recipe of an image of an edit. @throws InputError if it has none that this version reads */
export async function readEditRecipe(path: string): Promise<EditRecipe> {
  return parseRecipe(path, EditRecipe, await recipeText(path));
}

/** Where and by what an image was made does not say what it shows. */
const BESIDE = new Set(['program', 'device', 'threads', 'branches', 'tensorflow', 'path', 'folder']);

/** Whether a file is there already as a recipe would have it made. */
export async function isMade(path: string, recipe: EditRecipe): Promise<boolean> {
  if (!existsSync(path)) return false;
  const essence = (each: EditRecipe) =>
    JSON.stringify(EditRecipe.parse(each), (key, value: unknown) => (BESIDE.has(key) ? undefined : value));
  try {
    return essence(await readEditRecipe(path)) === essence(recipe);
  } catch {
    // Another program's image, or a damaged one.
    return false;
  }
}
