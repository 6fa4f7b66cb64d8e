import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codiffRegistry, specsOf } from '@codiff/codiff';
import { formulaValues, fromFile, type ParamSpec, type ResolvedConfig } from '@codiff/ldm-core';
import { initCheckpoint, loadConfig } from '@codiff/ldm-core/node';

const FIXTURES = fileURLToPath(new URL('../../parity/fixtures/', import.meta.url));

/** A mask of the fixtures, 64x64. */
export const MASK = join(FIXTURES, 'dataset/mask_png_64/3.png');

/** The models of the fixtures' configs. */
export type TinyModel = 'text' | 'mask' | 'codiff_mask_text';

/** The config of a tiny model, with the files that it names. */
export const tinyConfig = (model: TinyModel): Promise<ResolvedConfig> =>
  loadConfig(`configs/tiny_${model}.yaml`, { registry: codiffRegistry, root: FIXTURES });

/**
 * A folder as a user has it: `configs/` with the tiny configs, and `pretrained/` with a checkpoint for each model, of weights
 * by formula.
 */
export async function tinyWorld(models: readonly TinyModel[]): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'codiff-world-'));
  cpSync(join(FIXTURES, 'configs'), join(root, 'configs'), { recursive: true });
  mkdirSync(join(root, 'pretrained'));
  for (const model of models) {
    const specs = specsOf(await tinyConfig(model));
    await writeFormula(join(root, `pretrained/tiny_${model}.ckpt`), specs);
  }
  return root;
}

/** Write a checkpoint of weights by the rule of the fixtures' FORMULA.md; buffers have what the constructor gives them. */
export const writeFormula = (path: string, specs: ReadonlyMap<string, ParamSpec>): Promise<void> =>
  initCheckpoint(path, byFormula(specs), 0);

/** The same parameters, which start with the values of the formula: also those that would start as zero, and say nothing. */
function byFormula(specs: ReadonlyMap<string, ParamSpec>): Map<string, ParamSpec> {
  return new Map(
    [...specs].map(([key, spec]) => {
      // Averages begin as copies of weights.
      const of = spec.init.kind === 'copy' ? spec.init.of : spec;
      if (of.kind === 'buffer') return [key, spec];
      const values = fromFile(of, formulaValues(of.key, of.file?.shape ?? of.shape));
      return [key, { ...spec, init: { kind: 'values', values } }];
    }),
  );
}

/** The same parameters, none of which starts as zero but biases. */
export function withoutZeros(specs: ReadonlyMap<string, ParamSpec>): Map<string, ParamSpec> {
  return new Map(
    [...specs].map(([key, spec]) => {
      const isZero = spec.init.kind === 'constant' && spec.init.value === 0 && spec.shape.length > 1;
      return [key, isZero ? { ...spec, init: { kind: 'uniform', bound: 0.1 } } : spec];
    }),
  );
}
