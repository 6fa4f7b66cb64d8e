import { codiffRegistry, composeRoles, type LatentDiffusionCompose } from '@codiff/codiff';
import { BERTEmbedder, Scope, SegMaskEncoder, TARGETS } from '@codiff/ldm-core';
import type { CaseModel } from '../cases/case-folder.js';
import type { Built } from './build.js';

/** The branches that cases have. */
export const BRANCHES = ['seg_mask', 'text'] as const;

/** `LatentDiffusionCompose` of mask and text. @throws Error if a part is not of the closed list for these kinds */
export function buildCompose({ target, params, files }: CaseModel): Built<LatentDiffusionCompose> {
  const scope = Scope.root();
  const model = codiffRegistry.build({ target, params }, composeRoles.collaborative, scope, { files });
  if ([...model.conditions].sort().join() !== BRANCHES.join()) {
    throw new Error(`field 'conditions': these kinds take ${BRANCHES.join(', ')}, not ${model.conditions.join(', ')}`);
  }
  if (model.firstStage.loss !== null) {
    throw new Error(`field 'lossconfig.target': a first stage takes ${TARGETS.identity} only`);
  }
  const text = model.condStage.encoder('text');
  if (!(text instanceof BERTEmbedder)) throw new Error(`text branch: cond_stage_config takes ${TARGETS.bert} only`);
  if (text.config.useTokenizer) throw new Error("field 'use_tokenizer': cases hold ids, so it must be false");
  if (!(model.condStage.encoder('seg_mask') instanceof SegMaskEncoder)) {
    throw new Error(`mask branch: cond_stage_config takes ${TARGETS.segMaskEncoder} only`);
  }
  return { model, specs: scope.specs };
}
