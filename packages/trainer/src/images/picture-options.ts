import { PictureArguments } from '../config/picture-arguments.js';

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
