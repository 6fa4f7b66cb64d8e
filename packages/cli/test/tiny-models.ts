import { cpSync, mkdirSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codiffRegistry, specsOf } from '@codiff/codiff';
import type { ParamSpec, ResolvedConfig } from '@codiff/ldm-core';
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
 * A folder as a user has it: `configs/` with the tiny configs, and `pretrained/` with a checkpoint for each model. Weights are
 * seeded, and also layers that start as zero get values: else no UNet would say anything.
 */
export async function tinyWorld(models: readonly TinyModel[]): Promise<string> {
  const root = mkdtempSync(join(tmpdir(), 'codiff-world-'));
  cpSync(join(FIXTURES, 'configs'), join(root, 'configs'), { recursive: true });
  mkdirSync(join(root, 'pretrained'));
  for (const model of models) {
    const specs = specsOf(await tinyConfig(model));
    await initCheckpoint(join(root, `pretrained/tiny_${model}.ckpt`), withoutZeros(specs), 7);
  }
  return root;
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
