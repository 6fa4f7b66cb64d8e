import {
  type AutoencoderKL,
  BERTEmbedder,
  LatentDiffusion,
  LPIPSWithDiscriminator,
  ldmRegistry,
  type ParamSpec,
  type Role,
  roles,
  Scope,
  SegMaskEncoder,
  TARGETS,
  type UNetModel,
} from '@codiff/ldm-core';
import type { CaseModel } from '../cases/case-folder.js';

/** A model of a case: its structure, and everything it stores. */
export interface Built<M> {
  readonly model: M;
  readonly specs: ReadonlyMap<string, ParamSpec>;
}

/** Build what a node names into a scope. @throws ConfigError listing every unknown argument and impossible value */
export function buildInto<T>(model: CaseModel, role: Role<T>, scope: Scope): T {
  const { target, params, files } = model;
  return ldmRegistry.build({ target, params }, role, scope, { files });
}

/** `UNetModel`. */
export function buildUnet(model: CaseModel): Built<UNetModel> {
  const scope = Scope.root();
  return { model: buildInto(model, roles.unet, scope), specs: scope.specs };
}

/** `AutoencoderKL` as a first stage: without a loss. @throws Error if it has one */
export function buildFirstStage(model: CaseModel): Built<AutoencoderKL<unknown>> {
  const scope = Scope.root();
  const vae = buildInto(model, roles.firstStage, scope);
  if (vae.loss !== null) throw new Error(`field 'lossconfig.target': this kind takes ${TARGETS.identity} only`);
  return { model: vae, specs: scope.specs };
}

/** `AutoencoderKL` with its GAN loss. @throws Error if it has none */
export function buildGanAutoencoder(model: CaseModel): Built<AutoencoderKL<LPIPSWithDiscriminator>> {
  const scope = Scope.root();
  const vae = buildInto(model, roles.firstStage, scope);
  if (!hasGanLoss(vae)) throw new Error(`field 'lossconfig.target': this kind takes ${TARGETS.vaeLoss} only`);
  return { model: vae, specs: scope.specs };
}

function hasGanLoss(vae: AutoencoderKL<unknown>): vae is AutoencoderKL<LPIPSWithDiscriminator> {
  return vae.loss instanceof LPIPSWithDiscriminator;
}

/** `BERTEmbedder` over ids. @throws Error if it would tokenize */
export function buildBert(model: CaseModel): Built<BERTEmbedder> {
  const scope = Scope.root();
  const encoder = buildInto(model, roles.condStage, scope);
  if (!(encoder instanceof BERTEmbedder))
    throw new Error(`field 'target': wanted ${TARGETS.bert}, not '${model.target}'`);
  if (encoder.config.useTokenizer) throw new Error("field 'use_tokenizer': cases hold ids, so it must be false");
  return { model: encoder, specs: scope.specs };
}

/** `SegMaskEncoder`. */
export function buildSegMaskEncoder(model: CaseModel): Built<SegMaskEncoder> {
  const scope = Scope.root();
  const encoder = buildInto(model, roles.condStage, scope);
  if (!(encoder instanceof SegMaskEncoder)) {
    throw new Error(`field 'target': wanted ${TARGETS.segMaskEncoder}, not '${model.target}'`);
  }
  return { model: encoder, specs: scope.specs };
}

/** A latent diffusion model of text: a first stage without a loss, and token ids as condition. */
export interface TextLatentDiffusion {
  readonly model: LatentDiffusion;
  readonly condStage: BERTEmbedder;
  readonly specs: ReadonlyMap<string, ParamSpec>;
}

/** `LatentDiffusion` of text. @throws Error if a part is not of the closed list for these kinds */
export function buildTextLatentDiffusion(caseModel: CaseModel): TextLatentDiffusion {
  const scope = Scope.root();
  const model = buildInto(caseModel, roles.model, scope);
  if (!(model instanceof LatentDiffusion)) throw new Error(`field 'target': wanted ${TARGETS.latentDiffusion}`);
  const { firstStage, condStage } = model;
  if (firstStage.loss !== null)
    throw new Error(`field 'lossconfig.target': a first stage takes ${TARGETS.identity} only`);
  if (!(condStage instanceof BERTEmbedder))
    throw new Error(`field 'cond_stage_config': this kind takes ${TARGETS.bert} only`);
  if (condStage.config.useTokenizer) throw new Error("field 'use_tokenizer': cases hold ids, so it must be false");
  return { model, condStage, specs: scope.specs };
}
