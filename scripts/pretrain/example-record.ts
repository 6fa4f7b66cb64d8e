import type { ShippedRecord } from './shipped-record.js';
import { isAutoencoder, type StageName } from './stage-table.js';

const VAE = { vae: 'vae'.padEnd(64, '0') };
const INPUTS: Readonly<Record<StageName, ShippedRecord['inputs']>> = {
  encoder: {},
  vae: { encoder: 'encoder'.padEnd(64, '0') },
  mask: VAE,
  text: VAE,
  codiff: VAE,
};

/** A record as training leaves it, for tests of what reads records. */
export const exampleRecord = (stage: StageName): ShippedRecord => ({
  version: 1,
  stage,
  command: `npm run -s codiff -- train -b configs/demo_${stage}.yaml -t`,
  config: `configs/demo_${stage}.yaml`,
  overrides: ['lightning.trainer.max_steps=100'],
  seed: 23,
  steps: 100,
  batchSize: 8,
  precision: 'bfloat16',
  versions: { codiff: '0.1.0', libtensorflow: '2.21.0', node: 'v20.20.2' },
  machine: 'a processor, 2 cores',
  seconds: 90,
  imagesPerSecond: 20,
  weights: { bytes: 1_400_000, sha256: stage.padEnd(64, '0'), tensors: 132, parameters: 699_207, dtype: 'float16' },
  inputs: INPUTS[stage],
  curves: {
    name: isAutoencoder(stage) ? 'rec_loss' : 'loss_simple',
    train: [
      [25, 0.5],
      [50, 0.2],
      [100, 0.05],
    ],
    validation: [[100, 0.06]],
  },
  heldOut: [{ name: 'psnr', value: 27.5, n: 1000, what: 'PSNR of the reconstruction' }],
});
