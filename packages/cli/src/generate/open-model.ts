import { createHash } from 'node:crypto';
import { branchField, COMPOSE_TARGETS, codiffRegistry, composeRoles, LatentDiffusionCompose } from '@codiff/codiff';
import {
  AutoencoderConfig,
  buildModel,
  CheckpointError,
  ConfigError,
  isTree,
  type LatentDiffusion,
  LatentDiffusionConfig,
  type ParamSpec,
  parseConfig,
  type ResolvedConfig,
  roles,
  type StartingPoint,
  TARGETS,
  type TargetConfig,
} from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { InputError, oneLine } from '../input-error.js';
import type { CommandName } from './recipe.js';
import type { FreeUSettings, Request } from './request.js';
import { requireFile } from './required-file.js';
import { AbsentWeights, WeightPlan } from './weights.js';

/** A model of a config whose weights are found, but not read. */
export interface OpenModel {
  readonly model: LatentDiffusion | LatentDiffusionCompose;
  /** Everything that the model stores. */
  readonly specs: ReadonlyMap<string, ParamSpec>;
  /** SHA-256 of the config's content. */
  readonly configHash: string;
  readonly weights: WeightPlan;
  /** Size of the latents of one image [h,w,c]. */
  readonly latent: readonly [number, number, number];
  /** Side of an image in pixels. */
  readonly side: number;
  /** Memory that the decoder takes for one image, at least. */
  readonly decoderBytes: number;
}

/** How a model is opened for another use than a command's own sampling. */
export interface OpenOptions {
  /** The command in the user's words, for errors. */
  readonly name?: string;
  /** The flags that name config and checkpoint, for errors. */
  readonly configFlag?: string;
  readonly checkpointFlag?: string;
  /** File keys that the use has none for; sampling's by default. */
  readonly unneeded?: readonly RegExp[];
}

/** What the config of a command describes, by the target of its model or of its condition encoder. */
const WANTED: Readonly<Record<CommandName, { target: string; what: string; example: string }>> = {
  generate: {
    target: COMPOSE_TARGETS.latentDiffusionCompose,
    what: 'a collaborative model',
    example: 'configs/512_codiff_mask_text.yaml',
  },
  text2image: { target: TARGETS.bert, what: 'a model of texts', example: 'configs/512_text.yaml' },
  mask2image: { target: TARGETS.segMaskEncoder, what: 'a model of masks', example: 'configs/512_mask.yaml' },
};

/**
 * Read the config, build its model, and find its weights in the checkpoint's header.
 * @throws InputError, one line, if either file is missing, is wrong, or does not fit the other or the command
 */
export async function openModel(
  { command, config, checkpoint, freeU }: Pick<Request, 'command' | 'config' | 'checkpoint' | 'freeU'>,
  { name = command, configFlag = 'config_path', checkpointFlag = 'ckpt_path', unneeded }: OpenOptions = {},
): Promise<OpenModel> {
  await requireFile('config_path', config, configFlag);
  await requireFile('ckpt_path', checkpoint, checkpointFlag);
  let weights: WeightPlan | undefined;
  try {
    const resolved = await loadConfig(config.path, { registry: codiffRegistry, overrides: freeUOverrides(freeU) });
    checkKind(command, name, config.path, resolved.model);
    const { model, specs, startingPoints } = build(resolved, command);
    weights = await WeightPlan.open(specs, checkpoint.path, startingPoints, unneeded);
    const { imageSize: h, channels } = model.config;
    const configHash = createHash('sha256')
      .update(JSON.stringify(resolved.model))
      .update(JSON.stringify(resolved.model_files ?? {}))
      .digest('hex');
    return { model, specs, configHash, weights, latent: [h, h, channels], ...imageSize(model, resolved, h) };
  } catch (error) {
    await weights?.close();
    if (error instanceof ConfigError) throw new InputError(`${config.path}: ${oneLine(error)}`);
    if (error instanceof CheckpointError) {
      const absent =
        error instanceof AbsentWeights
          ? `, which names files for them that are not there: ${error.files.join(', ')}`
          : '';
      throw new InputError(`${oneLine(error)} (the config is ${config.path}${absent})`);
    }
    throw error;
  }
}

function build(
  config: ResolvedConfig,
  command: CommandName,
): Pick<OpenModel, 'model' | 'specs'> & { readonly startingPoints: readonly StartingPoint[] } {
  if (command === 'generate') return buildModel(config, composeRoles.collaborative, codiffRegistry);
  return buildModel(config, roles.latentDiffusion, codiffRegistry);
}

function checkKind(command: CommandName, name: string, path: string, { target, params }: TargetConfig): void {
  const wanted = WANTED[command];
  const encoder = isTree(params?.cond_stage_config) ? params.cond_stage_config.target : undefined;
  if (wanted.target === (command === 'generate' ? target : encoder)) return;
  const other = Object.entries(WANTED).find(([, kind]) => kind.target === target || kind.target === encoder);
  const found = other ? `${other[1].what}, for ${other[0]}` : `of ${target}`;
  throw new InputError(`${path}: the config is ${found}; ${name} wants ${wanted.what}, e.g. ${wanted.example}`);
}

const freeUOverrides = (freeU: FreeUSettings | undefined): string[] =>
  freeU?.enabled
    ? Object.entries({
        enable_freeu: true,
        freeu_relative: true,
        b1: freeU.b1,
        b2: freeU.b2,
        s1: freeU.s1,
        s2: freeU.s2,
      }).map(([name, value]) => `model.params.unet_config.params.${name}=${value}`)
    : [];

/** The text branch's config, which holds the first stage. */
function branchConfig(model: LatentDiffusionCompose, { model_files }: ResolvedConfig): LatentDiffusionConfig {
  return parseConfig(LatentDiffusionConfig, model_files![model.config[branchField.text]!]!.model as TargetConfig);
}

/**
 * Maps of its last width that the decoder holds at once, at least: a block's input, of twice that width, normed, activated, and as
 * it was, and the output. Beyond it lies a gap in which TensorFlow's convolutions end the process, so it is to be close.
 */
const DECODER_MAPS = 7;

/** Size of an image, and what it costs to decode it. @param latentSide of one image */
function imageSize(model: OpenModel['model'], config: ResolvedConfig, latentSide: number) {
  const { firstStageConfig } = model instanceof LatentDiffusionCompose ? branchConfig(model, config) : model.config;
  const { ch, chMult } = parseConfig(AutoencoderConfig, firstStageConfig).ddconfig;
  const side = latentSide * 2 ** (chMult.length - 1);
  const bytes = Float32Array.BYTES_PER_ELEMENT * side * side * ch * chMult[0]!;
  return { side, decoderBytes: DECODER_MAPS * bytes };
}
