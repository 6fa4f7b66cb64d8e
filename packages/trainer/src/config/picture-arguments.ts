import { type ConfigTree, fields, nearest } from '@codiff/ldm-core';
import { z } from 'zod';

const { anyMapping, count, flag, number, text, whole } = fields;

/** Arguments of the original's `log_images` (19.8), for both kinds of model, by its own names. */
export const PictureArguments = z.object({
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

/** What the original's `log_images` takes and does not use. */
const UNUSED = ['quantize_denoised'];

/**
 * `log_images_kwargs`: bad values are problems at their paths. Other names are accepted and change nothing, unless one looks
 * like a name that is missing.
 */
export const pictureArguments = () =>
  anyMapping().superRefine((given, { addIssue }) => checkArguments(given, addIssue));

function checkArguments(
  given: ConfigTree,
  addIssue: (issue: z.core.$ZodRawIssue<z.core.$ZodIssueCustom>) => void,
): void {
  for (const { path, message } of PictureArguments.safeParse(given).error?.issues ?? []) {
    addIssue({ code: 'custom', path, message, input: given });
  }
  const missing = Object.keys(PictureArguments.shape).filter((name) => !Object.hasOwn(given, name));
  for (const name of Object.keys(given)) {
    if (Object.hasOwn(PictureArguments.shape, name) || UNUSED.includes(name)) continue;
    const meant = nearest(name, missing);
    if (meant === undefined) continue;
    addIssue({
      code: 'custom',
      path: [name],
      message: `log_images does not know it; did you mean '${meant}'?`,
      input: given,
    });
  }
}
