import {
  type AutoencoderKL,
  BERTEmbedder,
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
export function buildFirstStage(model: CaseModel, scope = Scope.root()): Built<AutoencoderKL<unknown>> {
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
export function buildBert(model: CaseModel, scope = Scope.root()): Built<BERTEmbedder> {
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
