import { randomInt } from 'node:crypto';
import { UsageError } from '../usage-error.js';
import { type PRECISIONS, SEEDS } from './flags/common.js';
import type { CommandName, Recipe } from './recipe.js';
import type { SamplerFlags } from './sampler-settings.js';

/** A file that a command reads. */
export interface NamedFile {
  readonly path: string;
  /** It was not named on the command line. */
  readonly isDefault: boolean;
}

/** Images that are sampled together. */
export interface BatchRange {
  /** Number of its first image in the run. */
  readonly first: number;
  readonly size: number;
}

/** What is written besides the images. */
export interface Extras {
  readonly z: boolean;
  readonly steps: boolean;
  readonly influence: boolean;
  readonly mixed: boolean;
  /** A page about the run. Default: none. */
  readonly report?: boolean;
}

/** Factors of FreeU, or its explicit absence. */
export type FreeUSettings = NonNullable<Recipe['freeU']>;

/** Everything that a run is to do, as the user put it: nothing is read yet. */
export interface Request {
  readonly command: CommandName;
  readonly config: NamedFile;
  readonly checkpoint: NamedFile;
  /** As given; the model gets it in lower case. */
  readonly text: string | undefined;
  readonly negativeText: string | undefined;
  readonly guidanceScale: number;
  readonly mask: NamedFile | undefined;
  /** For models with a third modality. */
  readonly sketch: NamedFile | undefined;
  readonly freeU: FreeUSettings | undefined;
  readonly sampler: SamplerFlags;
  readonly seed: number;
  readonly batches: readonly BatchRange[];
  readonly precision: (typeof PRECISIONS)[number];
  /** Whether bfloat16 weights are kept a second time, laid out for the kernels: faster, and other bits. */
  readonly packWeights: boolean;
  /** undefined: the engine chooses. */
  readonly device: string | undefined;
  /** Most memory that tensors may take, in MiB. undefined: what is free. */
  readonly memoryLimit: number | undefined;
  /** `--save_folder`, with the suffix of FreeU. */
  readonly folder: string;
  readonly extras: Extras;
  readonly quiet: boolean;
  /** The image whose batch is to come out again, and its recipe. */
  readonly rerun: { readonly image: string; readonly recipe: Recipe } | undefined;
}

/** What a command of the original does where flags say nothing. */
export interface CommandDefaults {
  readonly command: CommandName;
  readonly config: string;
  readonly checkpoint: string;
  readonly folder: string;
  /** Absent: the command reads no text. */
  readonly text?: string;
  /** Absent: the command reads no mask. */
  readonly mask?: string;
  /** Whether images over their mask are written. */
  readonly mixed: boolean;
}

/** The flags of all commands; a command has only its own. */
export interface RequestFlags extends SamplerFlags {
  readonly config_path?: string | undefined;
  readonly ckpt_path?: string | undefined;
  readonly save_folder?: string | undefined;
  readonly input_text?: string | undefined;
  readonly negative_text?: string | undefined;
  readonly guidance_scale?: number | undefined;
  readonly mask_path?: string | undefined;
  readonly sketch_path?: string | undefined;
  readonly batch_size?: number | undefined;
  readonly num_samples?: number | undefined;
  readonly seed?: number | undefined;
  readonly precision?: Request['precision'] | undefined;
  readonly device?: string | undefined;
  readonly pack_weights?: boolean | undefined;
  readonly memory_limit?: number | undefined;
  readonly save_z?: boolean | undefined;
  readonly display_x_inter?: boolean | undefined;
  readonly return_influence_function?: boolean | undefined;
  readonly save_mixed?: boolean | undefined;
  readonly report?: boolean | undefined;
  readonly enable_freeu?: boolean | undefined;
  readonly b1?: number | undefined;
  readonly b2?: number | undefined;
  readonly s1?: number | undefined;
  readonly s2?: number | undefined;
  readonly quiet?: boolean | undefined;
}

/** Batch size of the original. */
const BATCH_SIZE = 4;
/** How far to go beyond the text where there is one to steer away from. */
const GUIDANCE_SCALE = 2;

/** What the flags of a command ask for. @throws UsageError for flags that do not go together */
export function requestOf(defaults: CommandDefaults, flags: RequestFlags): Request {
  const named = (given: string | undefined, otherwise: string): NamedFile => ({
    path: given ?? otherwise,
    isDefault: given === undefined,
  });
  if (defaults.text === undefined) refuseNegativeText(flags, defaults.command, 'generate');
  const freeU = freeUOf(flags);
  const batchSize = flags.batch_size ?? BATCH_SIZE;
  return {
    command: defaults.command,
    config: named(flags.config_path, defaults.config),
    checkpoint: named(flags.ckpt_path, defaults.checkpoint),
    text: flags.input_text ?? defaults.text,
    ...negativeOf(flags),
    mask: defaults.mask === undefined ? undefined : named(flags.mask_path, defaults.mask),
    sketch: flags.sketch_path === undefined ? undefined : { path: flags.sketch_path, isDefault: false },
    freeU,
    sampler: flags,
    seed: flags.seed ?? drawSeed(),
    batches: batchesOf(flags.num_samples ?? batchSize, batchSize),
    precision: flags.precision ?? 'float32',
    packWeights: flags.pack_weights ?? true,
    device: flags.device,
    memoryLimit: flags.memory_limit,
    folder: (flags.save_folder ?? defaults.folder) + suffixOf(freeU),
    extras: extrasOf(flags, defaults),
    quiet: flags.quiet ?? false,
    rerun: undefined,
  };
}

/** The text to steer away from, and how far. @throws UsageError for a distance without a text */
export function negativeOf({
  negative_text: negativeText,
  guidance_scale: scale,
}: Pick<RequestFlags, 'negative_text' | 'guidance_scale'>): Pick<Request, 'negativeText' | 'guidanceScale'> {
  if (scale !== undefined && negativeText === undefined) {
    throw new UsageError('--guidance_scale needs --negative_text, the text to steer away from');
  }
  return { negativeText, guidanceScale: scale ?? (negativeText === undefined ? 1 : GUIDANCE_SCALE) };
}

/** @param command whose model has no place for the text @param other that reads texts @throws UsageError */
export function refuseNegativeText(
  { negative_text }: Pick<RequestFlags, 'negative_text'>,
  command: string,
  other: string,
): void {
  if (negative_text === undefined) return;
  throw new UsageError(
    `--negative_text: the model of ${command} reads a mask and no text, so there is none to steer away from; leave it out, or run ${other}`,
  );
}

/** A seed for a run that is given none. */
export const drawSeed = (): number => randomInt(SEEDS);

/** What is written besides the images. */
export const extrasOf = (flags: RequestFlags, defaults: Pick<CommandDefaults, 'mixed'>): Extras => ({
  z: flags.save_z ?? false,
  steps: flags.display_x_inter ?? false,
  influence: flags.return_influence_function ?? false,
  mixed: flags.save_mixed ?? defaults.mixed,
  report: flags.report ?? false,
});

function freeUOf({ enable_freeu: enabled, ...flags }: RequestFlags): FreeUSettings | undefined {
  const factors = (['b1', 'b2', 's1', 's2'] as const).filter((name) => flags[name] !== undefined);
  if (enabled === undefined) {
    if (factors.length === 0) return undefined;
    throw new UsageError(
      `--${factors[0]} has an effect with --enable_freeu only; add it, or leave --${factors[0]} out`,
    );
  }
  const { b1 = 1.1, b2 = 1.2, s1 = 1, s2 = 1 } = flags;
  return { enabled, b1, b2, s1, s2 };
}

/** The original names the folder by the switch, where there is one. */
const suffixOf = (freeU: FreeUSettings | undefined): string =>
  freeU === undefined ? '' : freeU.enabled ? '_with_freeu' : '_without_freeu';

/** Images in batches of one size, of which the last may be smaller. */
export function batchesOf(images: number, batchSize: number): BatchRange[] {
  return Array.from({ length: Math.ceil(images / batchSize) }, (_, i) => {
    const first = i * batchSize;
    return { first, size: Math.min(batchSize, images - first) };
  });
}
