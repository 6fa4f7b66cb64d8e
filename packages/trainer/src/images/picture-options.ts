import { fields } from '@codiff/ldm-core';
import { z } from 'zod';

const { count, flag, number, text, whole } = fields;

/** Arguments of the original's `log_images` (19.8), for both kinds of model. Others are accepted and change nothing. */
const PictureArguments = z.object({
  /** Autoencoders: inputs alone. */
  only_inputs: flag().default(false),
  /** Diffusion models: at most so many samples. */
  N: count().default(8),
  /** Samples in rows over time. */
  n_row: count().default(4),
  sample: flag().default(true),
  /** null: ancestral sampling, all steps. */
  ddim_steps: whole(1).nullable().default(50),
  ddim_eta: number().default(1),
  /** Keep only these keys; null: all. */
  return_keys: z.array(text(), { error: 'wanted a list of keys' }).nullable().default(null),
  inpaint: flag().optional(),
  plot_denoise_rows: flag().default(false),
  plot_progressive_rows: flag().optional(),
  plot_diffusion_rows: flag().default(true),
});

/** How pictures of a model are made. */
export interface PictureOptions {
  readonly onlyInputs: boolean;
  readonly samples: number;
  readonly rows: number;
  readonly sample: boolean;
  readonly ddimSteps: number | null;
  readonly ddimEta: number;
  readonly returnKeys: readonly string[] | null;
  readonly inpaint: boolean;
  readonly denoiseRows: boolean;
  readonly progressiveRows: boolean;
  readonly diffusionRows: boolean;
}

/**
 * Read them.
 * @param kwargs `log_images_kwargs` of the image logger @param collaborative whose defaults leave out inpainting and
 *   progressive rows
 * @throws Error naming what is wrong
 */
export function pictureOptions(kwargs: Readonly<Record<string, unknown>>, collaborative: boolean): PictureOptions {
  const parsed = PictureArguments.safeParse(kwargs);
  if (!parsed.success) {
    const [first] = parsed.error.issues;
    throw new Error(`log_images_kwargs.${first!.path.join('.')}: ${first!.message}`);
  }
  const given = parsed.data;
  return {
    onlyInputs: given.only_inputs,
    samples: given.N,
    rows: given.n_row,
    sample: given.sample,
    ddimSteps: given.ddim_steps,
    ddimEta: given.ddim_eta,
    returnKeys: given.return_keys,
    inpaint: given.inpaint ?? !collaborative,
    denoiseRows: given.plot_denoise_rows,
    progressiveRows: given.plot_progressive_rows ?? !collaborative,
    diffusionRows: given.plot_diffusion_rows,
  };
}
