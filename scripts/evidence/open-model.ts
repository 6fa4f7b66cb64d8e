import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { branchField, branchPrefixes, codiffRegistry, composeRoles, type LatentDiffusionCompose } from '@codiff/codiff';
import { BERTEmbedder, BertTokenizer, buildModel, initParams, type ParamSpec, Params } from '@codiff/ldm-core';
import { hashFile, loadBertVocabulary, loadConfig, loadParamsFile } from '@codiff/ldm-core/node';
import { EvidenceError } from './evidence-error.js';

/** A collaborative model with its weights. */
export interface OpenedModel {
  readonly model: LatentDiffusionCompose;
  readonly specs: ReadonlyMap<string, ParamSpec>;
  /** The caller's. */
  readonly params: Params;
  readonly tokenizer: BertTokenizer;
  /** Size of one image's latents [h,w,c]. */
  readonly latent: readonly [number, number, number];
  /** Configs of the branches, from the root. */
  readonly branchConfigs: { readonly text: string; readonly seg_mask: string };
  /** SHA-256 of every file of weights, by its path from the root. */
  readonly hashes: Readonly<Record<string, string>>;
}

/** Where a model is. */
export interface ModelFiles {
  /** Folder that paths start from. */
  readonly root: string;
  /** Configs of the collaborative model, merged left to right. */
  readonly configs: readonly string[];
  /** A checkpoint of the whole model, or a folder of {@link PARTS}. */
  readonly weights: string;
}

/** Files of a folder of weights; keys of each are those of its own training, or of the whole model. */
export const PARTS = ['codiff', 'text', 'mask', 'vae'] as const;

/** Where the keys of a part's own training go in the collaborative model. Others stay as they are. */
const PREFIXES: Readonly<Record<(typeof PARTS)[number], readonly (readonly [from: string, to: string])[]>> = {
  codiff: [],
  text: ownKeysFirst('text'),
  mask: ownKeysFirst('seg_mask'),
  vae: ['encoder.', 'decoder.', 'quant_conv.', 'post_quant_conv.'].map((own) => [own, `first_stage_model.${own}`]),
};

/** A key may be the whole model's already, and then stays. */
function ownKeysFirst(condition: 'text' | 'seg_mask'): (readonly [string, string])[] {
  const prefixes = branchPrefixes(condition);
  return [...prefixes.map(([, to]) => [to, to] as const), ...prefixes];
}

/**
 * Open a collaborative model.
 * @throws EvidenceError for files that are missing, or lack a weight; ConfigError for a wrong config
 */
export async function openModel({ root, configs, weights }: ModelFiles): Promise<OpenedModel> {
  const missing = configs.filter((path) => !existsSync(resolve(root, path)));
  if (missing.length > 0) {
    throw new EvidenceError(
      `evidence: ${missing.join(', ')} is missing; the weights that ship come with their config: train them with 'npm run demo:train', or name others with --config and --weights`,
    );
  }
  const config = await loadConfig(configs, { registry: codiffRegistry, root });
  const { model, specs } = buildModel(config, composeRoles.collaborative, codiffRegistry);
  const encoder = model.condStage.encoder('text');
  if (!(encoder instanceof BERTEmbedder)) {
    throw new EvidenceError(`evidence: ${configs.join(', ')}: the model reads no texts by a tokenizer`);
  }
  const files = filesOf(root, weights);
  const params = await loadWeights(root, files, specs);
  const { imageSize, channels } = model.config;
  return {
    model,
    specs,
    params,
    tokenizer: new BertTokenizer(await loadBertVocabulary(), encoder.config.maxSeqLen),
    latent: [imageSize, imageSize, channels],
    branchConfigs: { text: model.config[branchField.text]!, seg_mask: model.config[branchField.seg_mask]! },
    hashes: Object.fromEntries(
      await Promise.all(files.map(async ({ path }) => [path, await hashFile(resolve(root, path))] as const)),
    ),
  };
}

/** The text encoder's head over the vocabulary: declared, read by nothing, and not shipped. */
const UNREAD = /^cond_stage_model\.text_cond_stage_model\.transformer\.to_logits\./;

interface WeightFile {
  /** From the root. */
  readonly path: string;
  readonly prefixMap: readonly (readonly [from: string, to: string])[];
}

function filesOf(root: string, weights: string): WeightFile[] {
  const at = resolve(root, weights);
  if (!existsSync(at)) {
    throw new EvidenceError(
      `evidence: ${weights} is missing: it is to hold the weights that are measured (${PARTS.map((part) => `${part}.safetensors`).join(', ')}); train them with 'npm run demo:train', or name others with --weights`,
    );
  }
  if (!statSync(at).isDirectory()) return [{ path: weights, prefixMap: [] }];
  const files = PARTS.map((part) => ({ path: join(weights, `${part}.safetensors`), prefixMap: PREFIXES[part] }));
  const missing = files.filter(({ path }) => !existsSync(resolve(root, path))).map(({ path }) => path);
  // A branch may hold the autoencoder; what is lacking then is told by its key.
  const needed = missing.filter((path) => !path.endsWith('vae.safetensors'));
  if (needed.length === 0) return files.filter(({ path }) => !missing.includes(path));
  throw new EvidenceError(
    `evidence: ${needed.join(', ')} ${needed.length > 1 ? 'are' : 'is'} missing; train the weights with 'npm run demo:train', or name others with --weights`,
  );
}

/** The first file that holds a key gives it; schedules are computed, and what nothing reads is drawn. */
async function loadWeights(
  root: string,
  files: readonly WeightFile[],
  specs: ReadonlyMap<string, ParamSpec>,
): Promise<Params> {
  const loaded = new Params();
  try {
    for (const { path, prefixMap } of files) {
      const wanted = new Map([...specs].filter(([key]) => !loaded.has(key)));
      const { params } = await loadParamsFile(resolve(root, path), wanted, { prefixMap, strict: false });
      for (const [key, tensor] of params) loaded.set(key, tensor);
    }
    const lacking = [...specs.values()].filter(
      ({ key, init }) => !loaded.has(key) && init.kind !== 'values' && !UNREAD.test(key),
    );
    if (lacking.length > 0) {
      throw new EvidenceError(
        `evidence: ${files.map(({ path }) => path).join(', ')} lack ${lacking.length} weights of the model, the first is '${lacking[0]!.key}'`,
      );
    }
    return loaded.merge(initParams(specs, 0, (key) => !loaded.has(key)));
  } catch (error) {
    loaded.dispose();
    throw error;
  }
}
