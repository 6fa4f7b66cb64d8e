/** What the full-size benchmarks measure. */
export const MODEL_BENCHES = [
  'unet',
  'dynamic-diffuser',
  'codiff-step',
  'vae-decode',
  'vae-encode',
  'text-encoder',
  'train-step',
  'generate',
] as const;

/** Name of a full-size benchmark. */
export type ModelBench = (typeof MODEL_BENCHES)[number];

/** Parts that run side by side, as `codiff generate` runs a mask's and a text's model. @param name of any benchmark */
export const branchesOfBench = (name: string): number => (name === 'codiff-step' || name === 'generate' ? 2 : 1);

/** The config each is measured with if none is given. */
export const DEFAULT_CONFIGS: Readonly<Record<ModelBench, string>> = {
  unet: 'configs/512_text.yaml',
  'dynamic-diffuser': 'configs/512_codiff_mask_text.yaml',
  'codiff-step': 'configs/512_codiff_mask_text.yaml',
  'vae-decode': 'configs/512_vae.yaml',
  'vae-encode': 'configs/512_vae.yaml',
  'text-encoder': 'configs/512_text.yaml',
  'train-step': 'configs/512_text.yaml',
  generate: 'configs/512_codiff_mask_text.yaml',
};

/** What a full-size benchmark is told besides its name. Plain data: it travels between processes. */
export interface ModelSettings {
  /** Path of the model's config. */
  readonly config: string;
  /** Training: recompute activations where the config says so; else keep all of them. */
  readonly recompute: boolean;
  /** Training: the whole configured step, first stage and condition encoder included, instead of the UNet alone. */
  readonly full: boolean;
  /** Training: averages of the weights. */
  readonly ema: boolean;
  /** Training: AdamW; else loss and gradients only. */
  readonly optimizer: boolean;
  /** Generation: sampling steps. */
  readonly steps: number;
}

/** Forms in which a peer may run. To try `compile` takes minutes. */
export const PEER_FORMS = ['eager', 'channels_last', 'compile'] as const;
