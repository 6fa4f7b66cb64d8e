import { readFile } from 'node:fs/promises';
import { SamplerConfig } from '@codiff/ldm-core';
import { z } from 'zod';
import { InputError } from '../input-error.js';
import { PRECISIONS, SEEDS } from './flags/common.js';
import { isPng } from './png/chunks.js';
import { textOf, withText } from './png/text-chunk.js';

/** Keyword of the text chunk that holds a recipe. */
const KEYWORD = 'codiff';

/** What writes recipes. */
export const PROGRAM = 'codiff 0.1.0';

/** The commands that make images. */
export const COMMANDS = ['generate', 'text2image', 'mask2image'] as const;

/** A command that makes images. */
export type CommandName = (typeof COMMANDS)[number];

const count = z.int().min(1).max(100_000);
const sha256 = z.string().regex(/^[0-9a-f]{64}$/);
const file = z.strictObject({ path: z.string(), sha256 });

const Recipe = z.strictObject({
  version: z.literal(1),
  program: z.string(),
  command: z.enum(COMMANDS),
  /** Of the config: of its content after all files are merged. */
  config: file,
  checkpoint: file,
  text: z.string().optional(),
  negativeText: z.string().optional(),
  guidanceScale: z.number().optional(),
  /** Of the mask: of its classes. */
  mask: file.optional(),
  /** Of the sketch: of its 1024 values. */
  sketch: file.optional(),
  freeU: z
    .strictObject({ enabled: z.boolean(), b1: z.number(), b2: z.number(), s1: z.number(), s2: z.number() })
    .optional(),
  sampler: SamplerConfig,
  seed: z
    .int()
    .min(0)
    .max(SEEDS - 1),
  /** Images in this batch. */
  batchSize: count,
  /** Number of the batch's first image in its run. */
  firstIndex: z.int().min(0),
  /** Place of this image in its batch. */
  batchIndex: z.int().min(0),
  precision: z.enum(PRECISIONS),
  /** Of images made before there was a choice: no. */
  packWeights: z.boolean().default(false),
  device: z.string(),
  threads: count,
  /** Parts of a step that shared the threads; in older images one. */
  branches: count.default(1),
  tensorflow: z.string(),
});

/** Everything that makes an image what it is. */
export type Recipe = z.output<typeof Recipe>;

/** A PNG file with the recipe in it. */
export const withRecipe = (png: Uint8Array, recipe: object): Uint8Array =>
  withText(
    png,
    KEYWORD,
    JSON.stringify(recipe).replace(
      /[\u007f-\uffff]/g,
      (letter) => `\\u${letter.charCodeAt(0).toString(16).padStart(4, '0')}`,
    ),
  );

/**
 * The recipe that an image carries.
 * @throws InputError if the file is no PNG, or carries none that this version reads
 */
export async function readRecipe(path: string): Promise<Recipe> {
  return parseRecipe(path, Recipe, await recipeText(path));
}

const WANTED = 'wanted an image that generate, text2image, mask2image or edit has written';

/** The text of the recipe that an image carries, whichever command wrote it. @throws InputError if there is none */
export async function recipeText(path: string): Promise<string> {
  const bytes = new Uint8Array(await readFile(path));
  if (!isPng(bytes)) throw new InputError(`--from ${path}: not a PNG file; ${WANTED}`);
  const text = textOf(bytes, KEYWORD);
  if (text === undefined) throw new InputError(`--from ${path}: the image carries no recipe; ${WANTED}`);
  return text;
}

/** A recipe of a form. @throws InputError saying what does not fit */
export function parseRecipe<T>(path: string, form: z.ZodType<T>, text: string): T {
  try {
    return form.parse(JSON.parse(text));
  } catch (error) {
    const issue = error instanceof z.ZodError ? error.issues[0] : undefined;
    const why = issue ? `${issue.path.join('.')}: ${issue.message}` : 'not JSON';
    throw new InputError(`--from ${path}: the recipe in the image cannot be used (${why}); ${WANTED}`);
  }
}
