import { codiffRegistry, LatentDiffusionCompose } from '@codiff/codiff';
import {
  AutoencoderKL,
  buildModel,
  formulaParams,
  LatentDiffusion,
  type ParamSpec,
  Params,
  type ResolvedConfig,
  roles,
} from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { weightStorage } from '../../generate/weight-storage.js';
import type { BenchSpec } from '../case.js';
import type { ModelBench } from './settings.js';

/** A model of a config and everything it stores; no weights yet. */
export interface BenchModel {
  /** What is measured: errors name it. */
  readonly bench: ModelBench;
  readonly path: string;
  readonly config: ResolvedConfig;
  readonly model: unknown;
  readonly specs: ReadonlyMap<string, ParamSpec>;
}

/** Read a config and build its model. @throws ConfigError listing what is wrong in it */
export async function openBenchModel(
  bench: ModelBench,
  path: string | readonly string[],
  overrides: readonly string[] = [],
): Promise<BenchModel> {
  const config = await loadConfig(path, { registry: codiffRegistry, overrides });
  return { bench, path: [path].flat().join(', '), config, ...buildModel(config, roles.model, codiffRegistry) };
}

/** The model as a latent diffusion model. @throws Error if it is another */
export function diffusionOf({ bench, path, model }: BenchModel): LatentDiffusion {
  if (model instanceof LatentDiffusion) return model;
  throw wrongKind(bench, path, 'a latent diffusion model of one condition, e.g. configs/512_text.yaml');
}

/** The model as a collaborative one. @throws Error if it is another */
export function composeOf({ bench, path, model }: BenchModel): LatentDiffusionCompose {
  if (model instanceof LatentDiffusionCompose) return model;
  throw wrongKind(bench, path, 'a collaborative model, e.g. configs/512_codiff_mask_text.yaml');
}

/** The autoencoder, or a diffusion model's first stage, and the prefix of its keys. */
export function autoencoderOf({ bench, path, model }: BenchModel): {
  readonly vae: AutoencoderKL<unknown>;
  readonly prefix: string;
} {
  if (model instanceof AutoencoderKL) return { vae: model, prefix: '' };
  if (model instanceof LatentDiffusion || model instanceof LatentDiffusionCompose)
    return { vae: model.firstStage, prefix: 'first_stage_model.' };
  throw wrongKind(bench, path, 'a model with an autoencoder, e.g. configs/512_vae.yaml');
}

/**
 * Weights by formula, of the keys that are wanted. The caller owns them.
 * @param strip cut from keys before they are hashed, so that a part has the weights that a peer gives it alone
 * @param precision of the functions that read them; sampling keeps weights for half of float32 in half the size
 */
export function weightsOf(
  { specs }: BenchModel,
  wanted: (key: string) => boolean,
  strip = '',
  precision: BenchSpec['precision'] = 'float32',
): Params {
  const weights = new Params();
  const { keep } = weightStorage(precision);
  for (const [key, spec] of specs) {
    if (!wanted(key)) continue;
    const own = formulaParams(new Map([[key, spec]]), strip);
    for (const [name, tensor] of own) weights.set(name, keep(tensor, spec));
  }
  return weights;
}

const wrongKind = (bench: ModelBench, path: string, wanted: string): Error =>
  new Error(`bench ${bench}: ${path} describes no such model; wanted ${wanted}`);
