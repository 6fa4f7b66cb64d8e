import { createHash } from 'node:crypto';
import {
  branchField,
  COMPOSE_TARGETS,
  type Condition,
  codiffRegistry,
  composeRoles,
  LatentDiffusionCompose,
} from '@codiff/codiff';
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
  TARGETS,
  type TargetConfig,
} from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { InputError, oneLine } from '../input-error.js';
import type { CommandName } from './recipe.js';
import type { FreeUSettings, Request } from './request.js';
import { requireFile } from './required-file.js';
import { type FallbackFile, WeightPlan } from './weights.js';

/** A model of a config whose weights are found, but not read. */
export interface OpenModel {
  readonly model: LatentDiffusion | LatentDiffusionCompose;
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
export async function openModel({ command, config, checkpoint, freeU }: Request): Promise<OpenModel> {
  await requireFile('config_path', config);
  await requireFile('ckpt_path', checkpoint);
  let weights: WeightPlan | undefined;
  try {
    const resolved = await loadConfig(config.path, { registry: codiffRegistry, overrides: freeUOverrides(freeU) });
    checkKind(command, config.path, resolved.model);
    const { model, specs } = build(resolved, command);
    checkConditions(config.path, model);
    weights = await WeightPlan.open(specs, checkpoint.path, fallbacksOf(model, resolved));
    const { imageSize: h, channels } = model.config;
    const configHash = createHash('sha256')
      .update(JSON.stringify(resolved.model))
      .update(JSON.stringify(resolved.model_files ?? {}))
      .digest('hex');
    return { model, configHash, weights, latent: [h, h, channels], ...imageSize(model, resolved, h) };
  } catch (error) {
    await weights?.close();
    if (error instanceof ConfigError) throw new InputError(`${config.path}: ${oneLine(error)}`);
    if (error instanceof CheckpointError) {
      throw new InputError(`${oneLine(error)} (the config is ${config.path})`);
    }
    throw error;
  }
}

function build(
  config: ResolvedConfig,
  command: CommandName,
): { model: OpenModel['model']; specs: ReadonlyMap<string, ParamSpec> } {
  if (command === 'generate') return buildModel(config, composeRoles.collaborative, codiffRegistry);
  return buildModel(config, roles.latentDiffusion, codiffRegistry);
}

function checkKind(command: CommandName, path: string, { target, params }: TargetConfig): void {
  const wanted = WANTED[command];
  const encoder = isTree(params?.cond_stage_config) ? params.cond_stage_config.target : undefined;
  if (wanted.target === (command === 'generate' ? target : encoder)) return;
  const other = Object.entries(WANTED).find(([, kind]) => kind.target === target || kind.target === encoder);
  const found = other ? `${other[1].what}, for ${other[0]}` : `of ${target}`;
  throw new InputError(`${path}: the config is ${found}; ${command} wants ${wanted.what}, e.g. ${wanted.example}`);
}

/** A third modality can be trained and used through the package; the command has no input for it. */
function checkConditions(path: string, model: OpenModel['model']): void {
  if (!(model instanceof LatentDiffusionCompose) || !model.conditions.includes('sketch')) return;
  throw new InputError(
    `${path}: the model also wants a sketch; generate takes models of mask and text, e.g. ${WANTED.generate.example}`,
  );
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

/** What the config names beside the checkpoint, in the order in which it is asked. */
function fallbacksOf(model: OpenModel['model'], config: ResolvedConfig): FallbackFile[] {
  if (!(model instanceof LatentDiffusionCompose)) return firstStageFile(model.config);
  const files: FallbackFile[] = [];
  const paths: Readonly<Record<Condition, string | null>> = {
    text: model.config.textLdmCkptPath,
    seg_mask: model.config.segMaskLdmCkptPath,
    sketch: model.config.sketchLdmCkptPath,
  };
  for (const condition of model.conditions) {
    const path = paths[condition];
    if (path === null) continue;
    files.push({
      path,
      prefixMap: [
        ['model.', `model.${condition}_unet.`],
        ['cond_stage_model.', `cond_stage_model.${condition}_cond_stage_model.`],
        // The first stage is the text branch's.
        ['first_stage_model.', condition === 'text' ? 'first_stage_model.' : 'unused.'],
      ],
    });
  }
  return [...files, ...firstStageFile(branchConfig(model, config))];
}

function firstStageFile({ firstStageConfig }: LatentDiffusionConfig): FallbackFile[] {
  const path = firstStageConfig.params?.ckpt_path;
  return typeof path === 'string' ? [{ path, prefixMap: [['', 'first_stage_model.']] }] : [];
}

/** The text branch's config, which holds the first stage. */
function branchConfig(model: LatentDiffusionCompose, { model_files }: ResolvedConfig): LatentDiffusionConfig {
  return parseConfig(LatentDiffusionConfig, model_files![model.config[branchField.text]!]!.model as TargetConfig);
}

/** Maps of its last width that the decoder holds at once, at least: a block's input, of twice that width, normed and not, and its output. */
const DECODER_MAPS = 5;

/** Size of an image, and what it costs to decode it. @param latentSide of one image */
function imageSize(model: OpenModel['model'], config: ResolvedConfig, latentSide: number) {
  const { firstStageConfig } = model instanceof LatentDiffusionCompose ? branchConfig(model, config) : model.config;
  const { ch, chMult } = parseConfig(AutoencoderConfig, firstStageConfig).ddconfig;
  const side = latentSide * 2 ** (chMult.length - 1);
  const bytes = Float32Array.BYTES_PER_ELEMENT * side * side * ch * chMult[0]!;
  return { side, decoderBytes: DECODER_MAPS * bytes };
}
