import { AutoencoderConfig, AutoencoderKL, type ParamSpec, Scope, UNetConfig, UNetModel } from '@codiff/ldm-core';
import type { CaseModel } from '../cases/case-folder.js';

/** A model of a case: its structure, and everything it stores. */
export interface Built<M> {
  readonly model: M;
  readonly specs: ReadonlyMap<string, ParamSpec>;
}

export const UNET = 'ldm.modules.diffusionmodules.openaimodel.UNetModel';
export const AUTOENCODER = 'ldm.models.autoencoder.AutoencoderKL';

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
