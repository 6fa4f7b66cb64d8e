import type { ModelBench, ModelSettings } from '../models/settings.js';

/** One line of the table of full-size benchmarks. */
export interface Entry {
  /** Short name, by which `--only` chooses. */
  readonly id: string;
  /** What the table calls it. */
  readonly title: string;
  readonly bench: ModelBench;
  /** Flags beside those of the whole run, as the command spells them. */
  readonly flags: readonly string[];
  readonly settings: Partial<ModelSettings>;
  /** Most timed runs: long ones need fewer. */
  readonly mostRuns?: number;
}

/** The table, in order. */
export const ENTRIES: readonly Entry[] = [
  plain('unet', 'text UNet forward'),
  plain('dynamic-diffuser', 'dynamic diffuser forward'),
  plain('codiff-step', 'collaborative step (2 UNets, 2 dynamic diffusers, mix)'),
  plain('vae-decode', 'VAE decode'),
  plain('vae-encode', 'VAE encode'),
  plain('text-encoder', 'text encoder'),
  {
    ...{ id: 'forward-backward', title: 'UNet forward + backward, nothing recomputed', bench: 'train-step' },
    flags: ['--no-recompute', '--no-optimizer'],
    settings: { recompute: false, optimizer: false },
  },
  plain('train-step', 'UNet training step with recompute and AdamW'),
  { ...plain('generate', 'one image, 50 steps, end to end'), mostRuns: 2 },
];

function plain(bench: ModelBench, title: string): Entry {
  return { id: bench, title, bench, flags: [], settings: {} };
}
