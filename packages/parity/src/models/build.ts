import {
  AutoencoderConfig,
  AutoencoderKL,
  BERTEmbedder,
  BertEmbedderConfig,
  LatentDiffusionConfig,
  LPIPSWithDiscriminator,
  makeSchedule,
  type ParamSpec,
  type Params,
  Scope,
  SegMaskEncoder,
  SegMaskEncoderConfig,
  scheduleBuffers,
  UNetConfig,
  UNetModel,
  VaeLossConfig,
} from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import type { CaseModel } from '../cases/case-folder.js';

/** A model of a case: its structure, and everything it stores. */
export interface Built<M> {
  readonly model: M;
  readonly specs: ReadonlyMap<string, ParamSpec>;
}

export const UNET = 'ldm.modules.diffusionmodules.openaimodel.UNetModel';
export const AUTOENCODER = 'ldm.models.autoencoder.AutoencoderKL';
export const BERT = 'ldm.modules.encoders.modules.BERTEmbedder';
export const SEG_MASK_ENCODER = 'ldm.modules.encoders.modules.SegMaskEncoder';
export const LATENT_DIFFUSION = 'ldm.models.diffusion.ddpm.LatentDiffusion';

const camel = (v: unknown): unknown =>
  Array.isArray(v)
    ? v.map(camel)
    : typeof v === 'object' && v !== null
      ? Object.fromEntries(
          Object.entries(v).map(([k, x]) => [k.replace(/_([a-z])/g, (_, c: string) => c.toUpperCase()), camel(x)]),
        )
      : v;

export function buildUnet({ params }: CaseModel): Built<UNetModel> {
  const scope = Scope.root();
  return { model: new UNetModel(scope, UNetConfig.parse(camel(params))), specs: scope.specs };
}

export function buildFirstStage({ params }: CaseModel): Built<AutoencoderKL> {
  const scope = Scope.root();
  const config = AutoencoderConfig.parse(camel(params));
  return { model: new AutoencoderKL(scope, config, () => null), specs: scope.specs };
}

export function buildGanAutoencoder({ params }: CaseModel) {
  const scope = Scope.root();
  const config = AutoencoderConfig.parse(camel(params));
  const loss = VaeLossConfig.parse(config.lossconfig.params);
  const model = new AutoencoderKL(scope, config, (at) => new LPIPSWithDiscriminator(at, loss));
  return { model, specs: scope.specs, config };
}

export function buildBert({ params }: CaseModel): Built<BERTEmbedder> {
  const scope = Scope.root();
  return { model: new BERTEmbedder(scope, BertEmbedderConfig.parse(camel(params))), specs: scope.specs };
}

export function buildSegMaskEncoder({ params }: CaseModel): Built<SegMaskEncoder> {
  const scope = Scope.root();
  return { model: new SegMaskEncoder(scope, SegMaskEncoderConfig.parse(camel(params))), specs: scope.specs };
}

export interface LatentParts {
  readonly unet: UNetModel;
  readonly firstStage: AutoencoderKL;
  readonly condStage: BERTEmbedder;
  readonly embeddingDropout: number;
  readonly config: LatentDiffusionConfig;
  readonly specs: ReadonlyMap<string, ParamSpec>;
}

export function buildLatentDiffusion({ params }: CaseModel): LatentParts {
  const scope = Scope.root();
  const config = LatentDiffusionConfig.parse(camel(params));
  for (const [name, values] of scheduleBuffers(makeSchedule(config))) {
    if (name !== 'lvlb_weights') scope.buffer(name, [values.length], { kind: 'values', values });
  }
  const unet = new UNetModel(scope.at('model.diffusion_model'), UNetConfig.parse(config.unetConfig.params));
  const firstStage = new AutoencoderKL(
    scope.at('first_stage_model'),
    AutoencoderConfig.parse(config.firstStageConfig.params),
    () => null,
  );
  const bert = BertEmbedderConfig.parse((config.condStageConfig as { params: unknown }).params);
  const condStage = new BERTEmbedder(scope.at('cond_stage_model'), bert);
  return { unet, firstStage, condStage, embeddingDropout: bert.embeddingDropout, config, specs: scope.specs };
}

export function encodeTokens({ condStage }: LatentParts, p: Params, ids: tf.Tensor): tf.Tensor3D {
  return condStage.forward(p, ids as tf.Tensor2D);
}
