import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadConfig } from '@codiff/ldm-core/node';
import { describe, expect, it } from 'vitest';
import { trainerRegistry } from '../config/targets.js';
import { checkTrainingConfig } from '../config/training-file.js';
import { batchBranches } from './batch-branches.js';

const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

const COMPOSE = 'model.params.compose_unet_config.params';

describe('branches of a training', () => {
  it.each([
    ['demo_text', [], 2, 2],
    ['demo_text', [], 5, 4],
    ['demo_text', ['data.params.batch_size=1'], 4, 1],
    ['demo_codiff_mask_text', [], 2, 2],
    ['demo_vae', [], 2, 2],
    // A discriminator looks at whole batches.
    ['demo_vae', ['model.params.lossconfig.params.disc_factor=1'], 2, 1],
    ['demo_codiff_mask_text', [`${COMPOSE}.seg_mask_schedule=cosine_decay`], 2, 1],
    // Gradients of 1.7 GB, of which a second copy would be too much.
    ['512_text', ['data.params.batch_size=2'], 2, 1],
  ] as const)('%s %o, %i threads: %i', async (name, overrides, threads, expected) => {
    const path = join(ROOT, 'configs', `${name}.yaml`);
    const config = await loadConfig(path, {
      registry: trainerRegistry,
      check: checkTrainingConfig,
      root: ROOT,
      overrides,
    });
    expect(batchBranches(config, threads)).toBe(expected);
  });
});
