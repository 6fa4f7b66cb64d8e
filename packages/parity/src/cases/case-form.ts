import { z } from 'zod';
import { ToleranceBlock } from '../compare/tolerance.js';

const shape = z.array(z.number().int().min(0));

/** `weights` of a case or of an entry: where the values of parameters and buffers come from. */
export const Weights = z.strictObject({
  files: z.array(z.string()).optional(),
  formula: z.array(z.strictObject({ match: z.string(), salt: z.string(), strip_prefix: z.string() })).optional(),
  keep: z.array(z.string()).optional(),
});
export type Weights = z.infer<typeof Weights>;

/** A constructor of the original with its keyword arguments; the arguments are checked by what builds it. */
export const Target = z.strictObject({ target: z.string(), params: z.record(z.string(), z.unknown()) });
export type Target = z.infer<typeof Target>;

/** The contents of one of the YAML files that `model.params` names. */
export const ModelFile = z.strictObject({ model: Target });
export const ModelFiles = z.record(z.string(), ModelFile);
export type ModelFiles = z.infer<typeof ModelFiles>;

/** Fields of every case. */
export const commonFields = {
  case: z.string(),
  kind: z.string(),
  seed: z.number().int().optional(),
  weights: Weights,
  tolerance: ToleranceBlock,
  keys: z.record(z.string(), shape).optional(),
};

/** Fields of the kinds that name one model: itself, or another case's `config.yaml`. */
export const modelFields = {
  model: z.union([Target, z.string()]),
  model_files: ModelFiles.optional(),
};

/** An optimizer of the original, with everything it was given. */
export const Optimizer = z.strictObject({
  kind: z.enum(['Adam', 'AdamW']),
  lr: z.number().positive(),
  betas: z.tuple([z.number().min(0).lt(1), z.number().min(0).lt(1)]),
  eps: z.number().positive(),
  weight_decay: z.number().min(0),
});
export type Optimizer = z.infer<typeof Optimizer>;

/** Parameters whose gradient is zero in exact arithmetic, and below what it must stay. */
export const ZeroGradient = z.strictObject({ limit: z.number().positive(), keys: z.array(z.string()) });

/** Fields of the kinds that are noise schedules. */
export const scheduleFields = {
  beta_schedule: z.enum(['linear', 'cosine', 'sqrt_linear', 'sqrt']),
  linear_start: z.number(),
  linear_end: z.number(),
  cosine_s: z.number(),
  timesteps: z.number().int().positive(),
  v_posterior: z.number(),
  parameterization: z.enum(['eps', 'x0']),
};
