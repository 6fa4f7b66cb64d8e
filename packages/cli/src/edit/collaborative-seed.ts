import { existsSync } from 'node:fs';
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { SEEDS } from '../generate/flags/common.js';
import { type CollaborativeRecipe, readEditRecipe } from './edit-recipe.js';

/** What an edit's images have in common, whatever their seed. */
export type EditedBy = Record<'config' | 'checkpoint' | 'text' | 'mask', { readonly sha256: string }>;

/** The folder of a seed's images. */
export const seedFolder = (parent: string, seed: number): string => join(parent, `seed=${seed}`);

/**
 * The seed of what an earlier run has left of the same collaborative edit, so that a run that is not given one goes on with it.
 * @param parent of the seeds' folders
 * @returns the latest one's; undefined if there is none
 */
export async function sampledSeed(parent: string, by: EditedBy): Promise<number | undefined> {
  if (!existsSync(parent)) return undefined;
  const found: { readonly seed: number; readonly at: number }[] = [];
  for (const name of await readdir(parent)) {
    const seed = Number(/^seed=(\d+)$/.exec(name)?.[1]);
    if (!(seed < SEEDS)) continue;
    const image = await firstImage(join(parent, name));
    const recipe = image === undefined ? undefined : await collaborativeRecipeOf(image);
    if (recipe?.seed === seed && isSame(recipe, by)) found.push({ seed, at: (await stat(image!)).mtimeMs });
  }
  return found.sort((a, b) => b.at - a.at)[0]?.seed;
}

async function firstImage(folder: string): Promise<string | undefined> {
  if (!(await stat(folder)).isDirectory()) return undefined;
  const names = (await readdir(folder)).filter((name) => /^\d{6}_x_0_.*\.png$/.test(name));
  return names.length === 0 ? undefined : join(folder, names.sort()[0]!);
}

async function collaborativeRecipeOf(path: string): Promise<CollaborativeRecipe | undefined> {
  try {
    const recipe = await readEditRecipe(path);
    return recipe.command === 'edit collaborative' ? recipe : undefined;
  } catch {
    // Another program's image, or a damaged one: nobody goes on with it.
    return undefined;
  }
}

const isSame = (recipe: CollaborativeRecipe, by: EditedBy): boolean =>
  (['config', 'checkpoint', 'text', 'mask'] as const).every((name) => recipe[name].sha256 === by[name].sha256);
