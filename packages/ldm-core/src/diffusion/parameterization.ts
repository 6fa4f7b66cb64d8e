/**
 * What a denoising network predicts: the noise, the clean latents, or the velocity v = √ᾱ eps - √(1-ᾱ) x_0 of progressive
 * distillation (arXiv 2202.00512, section 4). The original knows `eps` and `x0`.
 */
export const parameterizations = ['eps', 'x0', 'v'] as const;

/** A name from {@link parameterizations}. */
export type Parameterization = (typeof parameterizations)[number];
