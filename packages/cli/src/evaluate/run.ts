import { statSync } from 'node:fs';
import { basename, join } from 'node:path';
import { loadConfig } from '@codiff/ldm-core/node';
import {
  checkTrainingConfig,
  dataModuleOf,
  EvaluationError,
  type EvaluationRow,
  evaluationTable,
  folderEntries,
  type HeldOutFace,
  heldOutFaces,
  type ImageEntry,
  listImages,
  measureImages,
  NetworkFileError,
  PROTOCOLS,
  type ProtocolName,
  trainerRegistry,
} from '@codiff/trainer';
import { branchesOf } from '../generate/branches.js';
import { watchInterrupts } from '../generate/interrupt.js';
import { samplerSettings } from '../generate/sampler-settings.js';
import { startEngine } from '../generate/start-engine.js';
import { InputError } from '../input-error.js';
import { Interrupted } from '../interrupted.js';
import { UsageError } from '../usage-error.js';
import type { EvaluateFlags } from './flags.js';
import { openNetworks } from './networks.js';
import { sampleFolder } from './sample-folder.js';
import { planSamples } from './sample-plan.js';
import { openEvaluated } from './sampled-model.js';

/** What an evaluation found. */
export interface EvaluationResult {
  readonly rows: readonly EvaluationRow[];
  readonly warnings: readonly string[];
  /** Networks by what they measured. */
  readonly networks: {
    readonly features: string;
    readonly parser?: string;
    readonly text?: string;
    readonly pairs?: string;
  };
  readonly images: number;
  readonly reference: number;
  readonly seed: number;
  /** Where the images are. */
  readonly folder: string;
  readonly seconds: number;
}

const SAMPLES_AT_ONCE = 8;

const NAMES_DIFFER =
  'the images have other names than those of --data, which is only their reference: no masks and captions are compared (name them as there, or give --masks and --captions)';

/**
 * Evaluate a folder of images, or a model.
 * @throws UsageError and InputError for what the user can mend, Interrupted after Ctrl-C
 */
export async function evaluate(flags: EvaluateFlags): Promise<EvaluationResult> {
  const began = performance.now();
  checkFlags(flags);
  const silent = flags.quiet === true || flags.json === true;
  const note = (line: string): void => {
    if (!silent) process.stderr.write(`${line}\n`);
  };
  const watch = watchInterrupts(() => note('\nstopping (Ctrl-C again: at once)'));
  try {
    const faces = await facesOf(flags);
    const images = flags.images ?? (await imagesOfModel(flags, faces!, silent, watch.signal));
    const entries = folderEntries({
      images,
      masks: flags.masks,
      captions: flags.captions,
      originals: flags.originals,
      likenesses: flags.reference,
      faces,
    });
    const reference = referenceOf(flags, faces);
    const protocols = protocolsOf(flags, entries.length);
    const seed = flags.seed ?? 0;
    if (flags.images !== undefined) await startEngine(engineOf(flags));
    const networks = await openNetworks(flags.networks ?? 'drawings', flags.pretrained ?? 'pretrained', {
      parser: entries.every(({ mask, likeness }) => (mask ?? likeness) !== undefined),
      text: entries.every(({ caption }) => caption !== undefined),
      pairs: new Set(entries.map(({ condition }) => condition)).size < entries.length,
    });
    try {
      const batch = flags.batch_size === undefined ? {} : { batchSize: flags.batch_size };
      const options = { networks, signal: watch.signal, ...batch };
      const generated = await measureImages(entries, { ...options, onImage: counter('images', silent) });
      const real =
        reference && (await measureImages(reference, { ...options, onImage: counter('reference images', silent) }));
      const tables = protocols.map((protocol) =>
        evaluationTable(generated, real, {
          protocol,
          seed,
          ...(flags.resamples === undefined ? {} : { resamples: flags.resamples }),
        }),
      );
      return {
        rows: tables.flatMap(({ rows }) => rows),
        warnings: [
          ...(networks.notes ?? []),
          ...notesOn(entries, networks.features.side, generated.size),
          ...(faces && entries.every(({ mask, caption }) => (mask ?? caption) === undefined) ? [NAMES_DIFFER] : []),
          ...new Set(tables.flatMap(({ warnings }) => warnings)),
        ],
        networks: {
          features: networks.features.name,
          ...(networks.parser ? { parser: networks.parser.name } : {}),
          ...(networks.text ? { text: networks.text.name } : {}),
          ...(networks.pairs ? { pairs: networks.pairs.name } : {}),
        },
        images: entries.length,
        reference: reference?.length ?? 0,
        seed,
        folder: images,
        seconds: (performance.now() - began) / 1000,
      };
    } finally {
      networks.dispose();
    }
  } catch (error) {
    if (watch.signal.aborted) throw new Interrupted('stopped; finished images are kept');
    if (error instanceof EvaluationError || error instanceof NetworkFileError) throw new InputError(error.message);
    throw error;
  } finally {
    watch.stop();
  }
}

function checkFlags({ images, reference, data, config_path, ckpt_path, ...more }: EvaluateFlags): void {
  if (reference !== undefined && data !== undefined) {
    throw new UsageError('--reference and --data both name real images; wanted one of them');
  }
  if ((config_path === undefined) !== (ckpt_path === undefined)) {
    throw new UsageError('a model is --config_path and --ckpt_path; one of them is missing');
  }
  if ((images === undefined) === (config_path === undefined)) {
    throw new UsageError('name what to evaluate: --images DIR, or --config_path FILE and --ckpt_path FILE');
  }
  const ofFolders = ['masks', 'captions', 'originals'] as const;
  const ofModels = ['save_folder', 'num_samples', 'samples_per_condition', 'ddim_steps', 'sampler', 'eta'] as const;
  const foreign = (images === undefined ? ofFolders : ofModels).find((name) => more[name] !== undefined);
  if (foreign !== undefined) {
    throw new UsageError(`--${foreign} is for ${images === undefined ? '--images' : '--config_path'}; leave it out`);
  }
  // Before hours of sampling, not after.
  const { protocol, num_samples } = more;
  const least = protocol === 'paper' ? PROTOCOLS.paper : isLarge(more) ? PROTOCOLS.large : 0;
  if (num_samples !== undefined && num_samples < least) {
    throw new UsageError(
      `--num_samples is ${num_samples}; wanted at least ${least} for --protocol ${protocol}: leave one of them out`,
    );
  }
}

const engineOf = ({ precision, device, memory_limit }: EvaluateFlags) => ({
  precision: precision ?? ('float32' as const),
  device,
  memoryLimit: memory_limit,
});

/** Held-out faces of `--data`, or of the model's own config. */
async function facesOf({ data, config_path, reference }: EvaluateFlags): Promise<HeldOutFace[] | undefined> {
  if (data !== undefined && statSync(data, { throwIfNoEntry: false })?.isDirectory()) return heldOutFaces(data);
  const config = data ?? config_path;
  if (config === undefined) return undefined;
  const loaded = await loadConfig([config], { registry: trainerRegistry, check: checkTrainingConfig });
  const { validation, test } = dataModuleOf(loaded.data ?? {});
  const split = test ?? validation;
  if (split !== undefined) return heldOutFaces(split);
  const flag = data === undefined ? '--config_path' : '--data';
  throw new InputError(
    `${flag}: ${config} names no data.params.validation; wanted the data whose held-out faces count${reference === undefined ? '' : ', also with --reference: conditions come from there'}`,
  );
}

/** Sample from the model. @returns the folder of its images */
async function imagesOfModel(
  flags: EvaluateFlags,
  faces: readonly HeldOutFace[],
  quiet: boolean,
  signal: AbortSignal,
): Promise<string> {
  const config = { path: flags.config_path!, isDefault: false };
  const checkpoint = { path: flags.ckpt_path!, isDefault: false };
  const evaluated = await openEvaluated(config, checkpoint);
  try {
    const sampler = samplerSettings(flags, evaluated.open.model.schedule.timesteps);
    const samples = flags.num_samples ?? (isLarge(flags) ? PROTOCOLS.large : PROTOCOLS.paper);
    const plan = planSamples(faces, { samples, perCondition: flags.samples_per_condition ?? 1 });
    const folder = flags.save_folder ?? join('outputs/evaluate', basename(config.path).replace(/\.ya?ml$/, ''));
    const batchSize = flags.batch_size ?? SAMPLES_AT_ONCE;
    const { branches } = await startEngine(engineOf(flags), { branches: branchesOf(evaluated.open.model, batchSize) });
    await sampleFolder(evaluated, {
      folder,
      checkpoint: checkpoint.path,
      plan,
      batchSize,
      branches,
      sampler,
      seed: flags.seed ?? 0,
      precision: flags.precision ?? 'float32',
      quiet,
      signal,
    });
    return folder;
  } finally {
    await evaluated.open.weights.close();
  }
}

const isLarge = ({ protocol }: Pick<EvaluateFlags, 'protocol'>): boolean => protocol === 'large' || protocol === 'both';

function protocolsOf({ protocol, images, num_samples }: EvaluateFlags, n: number): ProtocolName[] {
  if (protocol === 'both') {
    if (n >= PROTOCOLS.large) return ['paper', 'large'];
    throw new InputError(
      `too few images: ${n}; wanted at least ${PROTOCOLS.large} for --protocol both: make more of them, or take --protocol paper or all`,
    );
  }
  return [protocol ?? (images === undefined && num_samples === undefined ? 'paper' : 'all')];
}

function referenceOf({ reference }: EvaluateFlags, faces?: readonly HeldOutFace[]): ImageEntry[] | undefined {
  if (reference !== undefined) return listImages(reference, '--reference').map((path) => ({ path }));
  return faces?.map(({ image }) => ({ path: image }));
}

function notesOn(
  entries: readonly ImageEntry[],
  side: number | undefined,
  { width, height }: { width: number; height: number },
): string[] {
  const notes: string[] = [];
  if (entries.some(({ mask, likeness }) => mask === undefined && likeness !== undefined)) {
    notes.push(
      'no masks were given: mask_accuracy and mask_miou are against the parsed reference images of the same names',
    );
  }
  if (side !== undefined && (width !== side || height !== side)) {
    notes.push(`the networks read ${side}x${side} pixels: the images, ${width}x${height}, were resized`);
  }
  return notes;
}

/** A counter on a terminal's last line. */
function counter(what: string, silent: boolean): (done: number, of: number) => void {
  return (done, of) => {
    if (silent || !process.stderr.isTTY) return;
    process.stderr.write(`\r${done} of ${of} ${what}${done === of ? '\n' : ''}`);
  };
}
