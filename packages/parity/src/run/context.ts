import type { ParamSpec, Params } from '@codiff/ldm-core';
import { type CaseFile, type CaseModel, resolveModel } from '../cases/case-folder.js';
import { type ModelFiles, type Target, Weights } from '../cases/case-form.js';
import { Inputs } from '../cases/inputs.js';
import type { Comparison } from '../compare/measure.js';
import type { CaseContext } from '../kinds/kind.js';
import { resolveWeights, type WeightSource } from '../weights/resolve.js';

/** The context of one run of one case; `onCheck` receives what a kind reports besides its outputs. */
export function makeContext(
  file: CaseFile,
  call: CaseContext['call'],
  onCheck: (name: string, comparison: Comparison) => void,
): CaseContext {
  const wanted = [...file.outputs.keys()];
  const own = Weights.parse(file.config.weights);
  // Where a case has several modules, `keys` would not say of which.
  const keys = 'model' in file.config ? (file.config.keys as WeightSource['keys']) : undefined;
  return {
    inputs: new Inputs(file.inputs),
    wants: (name) => file.outputs.has(name),
    wantsAny: (prefix) => wanted.some((name) => name.startsWith(prefix)),
    model: (field, files, target) => modelOf(file.folder, field, files, target),
    weights: (specs: ReadonlyMap<string, ParamSpec>, entry?: Weights): Params =>
      resolveWeights(
        specs,
        entry ? { weights: entry, folder: file.folder } : { weights: own, folder: file.folder, keys },
      ),
    call,
    check: onCheck,
  };
}

function modelOf(folder: string, field: Target | string, files: ModelFiles | undefined, target: string): CaseModel {
  const model = resolveModel(folder, field, files);
  if (model.target !== target) {
    throw new Error(`field 'model.target': this kind takes ${target}, not '${model.target}'`);
  }
  return model;
}
