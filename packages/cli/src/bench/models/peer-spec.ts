import { branchField } from '@codiff/codiff';
import {
  type AutoencoderShape,
  BertEmbedderConfig,
  LatentDiffusionConfig,
  makeDdimSchedule,
  parseConfig,
  type Schedule,
  snakeize,
  type TargetConfig,
  UNetConfig,
} from '@codiff/ldm-core';
import type { BenchSpec } from '../case.js';
import { autoencoderOf, type BenchModel, composeOf, diffusionOf } from './bench-model.js';
import type { ModelSettings } from './settings.js';

/** What `scripts/peer/bench_torch.py` is told to build the same model with the same weights and inputs. */
export function peerSpec(
  bench: BenchModel,
  { batch, precision }: BenchSpec,
  settings: ModelSettings,
  { threads, forms }: { readonly threads: number; readonly forms: readonly string[] },
): Record<string, unknown> {
  return {
    bench: bench.bench,
    batch,
    precision,
    threads,
    forms,
    recompute: settings.recompute,
    full: settings.full,
    optimizer: settings.optimizer,
    ...modelOf(bench, settings),
  };
}

/** A typed config under the names that files and the peer use. */
const plain = (config: object): Record<string, unknown> =>
  Object.fromEntries(Object.entries(config).map(([field, value]) => [snakeize(field), value]));

const vaeOf = ({ ddconfig, embedDim }: AutoencoderShape) => ({ ddconfig: plain(ddconfig), embed_dim: embedDim });

const textOf = ({ condStageConfig }: LatentDiffusionConfig) =>
  plain(parseConfig(BertEmbedderConfig, condStageConfig as TargetConfig));

/** The text branch's config, which holds the first stage. */
function textBranch({ config, bench }: BenchModel): LatentDiffusionConfig {
  const { model } = config;
  const path = model.params?.[snakeize(branchField.text)];
  const branch = typeof path === 'string' ? config.model_files?.[path] : undefined;
  if (branch === undefined) throw new Error(`bench ${bench}: the config names no text branch`);
  return parseConfig(LatentDiffusionConfig, branch.model as TargetConfig);
}

/** Timestep, alpha, alpha before and sigma of every DDIM step of eta 1, first step first. */
function ddimRows(schedule: Schedule, steps: number): number[][] {
  const { timesteps, alphas, alphasPrev, sigmas } = makeDdimSchedule(schedule, { steps, eta: 1 });
  return Array.from(timesteps, (t, i) => [t, alphas[i]!, alphasPrev[i]!, sigmas[i]!]).reverse();
}

function modelOf(bench: BenchModel, { steps }: ModelSettings): Record<string, unknown> {
  switch (bench.bench) {
    case 'unet':
    case 'train-step': {
      const { model, config } = diffusionOf(bench);
      return { unet: plain(model.unet.config), latent: [config.channels, config.imageSize, config.imageSize] };
    }
    case 'dynamic-diffuser':
    case 'codiff-step':
    case 'generate': {
      const model = composeOf(bench);
      const { channels, imageSize, scaleFactor } = model.config;
      const text = textBranch(bench);
      const common = {
        diffuser: plain(model.unet.predictorConfig),
        unet: plain(parseConfig(UNetConfig, text.unetConfig)),
        latent: [channels, imageSize, imageSize],
      };
      if (bench.bench !== 'generate') return common;
      return {
        ...common,
        vae: vaeOf(model.firstStage.shape),
        text: textOf(text),
        scale_factor: scaleFactor,
        schedule: ddimRows(model.schedule, steps),
      };
    }
    case 'vae-decode':
    case 'vae-encode': {
      const { shape } = autoencoderOf(bench).vae;
      const { resolution, inChannels, zChannels, chMult } = shape.ddconfig;
      const side = resolution / 2 ** (chMult.length - 1);
      return { vae: vaeOf(shape), image: [inChannels, resolution, resolution], latent: [zChannels, side, side] };
    }
    case 'text-encoder':
      return { text: textOf(diffusionOf(bench).config) };
  }
}
