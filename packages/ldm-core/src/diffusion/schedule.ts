import { type BetaOptions, makeBetas } from './betas.js';
import type { Parameterization } from './parameterization.js';

/** Everything that fixes a noise schedule; names and defaults are the original's constructor arguments in camelCase. */
export interface ScheduleOptions extends Partial<BetaOptions> {
  /** Number of training steps T, at least 2. Ignored if `givenBetas` is there: then T is its length. */
  readonly timesteps?: number;
  /** v in the posterior variance (1-v) β (1-ᾱ_{t-1})/(1-ᾱ_t) + v β, from 0 to 1; default 0. */
  readonly vPosterior?: number;
  /** What the network predicts; decides the ELBO weights only. Default `eps`. */
  readonly parameterization?: Parameterization;
  /** Variances [T] to use instead of a named schedule. */
  readonly givenBetas?: ArrayLike<number> | null | undefined;
}

/**
 * The fixed numbers of one diffusion process: host arrays [T] in float64 (lvlbWeights: float32 values), index t = 0..T-1. Nothing here is a tensor, so
 * a schedule needs no disposal and can be read without a device. Symbols are DDPM's (arXiv 2006.11239): β `betas`,
 * α = 1 - β, ᾱ `alphasCumprod`, ᾱ_{t-1} `alphasCumprodPrev` (1 at t = 0), β̃ `posteriorVariance`.
 */
export interface Schedule {
  /** T. */
  readonly timesteps: number;
  readonly parameterization: Parameterization;
  readonly betas: Float64Array;
  readonly alphasCumprod: Float64Array;
  readonly alphasCumprodPrev: Float64Array;
  readonly sqrtAlphasCumprod: Float64Array;
  readonly sqrtOneMinusAlphasCumprod: Float64Array;
  readonly logOneMinusAlphasCumprod: Float64Array;
  /** 1/√ᾱ: factor of x_t in the x_0 found from a predicted eps. */
  readonly sqrtRecipAlphasCumprod: Float64Array;
  /** √(1/ᾱ - 1): factor of eps in the x_0 found from it. */
  readonly sqrtRecipm1AlphasCumprod: Float64Array;
  /** Variance of q(x_{t-1} | x_t, x_0), DDPM equation 7 where v is 0. */
  readonly posteriorVariance: Float64Array;
  /** Its logarithm, of at least 1e-20: the variance at t = 0 is 0. */
  readonly posteriorLogVarianceClipped: Float64Array;
  /** Factor of x_0 in the posterior mean, DDPM equation 7. */
  readonly posteriorMeanCoef1: Float64Array;
  /** Factor of x_t in the posterior mean. */
  readonly posteriorMeanCoef2: Float64Array;
  /** Weight of each step's squared error in the variational bound, DDPM equation 12; entry 0 repeats entry 1. */
  readonly lvlbWeights: Float64Array;
}

/** The posterior variance below which its logarithm is taken. */
const MIN_POSTERIOR_VARIANCE = 1e-20;

/**
 * Derive a schedule from its betas, all in float64 on the host: in float32 the product ᾱ is off by a relative 1.5e-4 at
 * T = 1000. Defaults: `linear`, 1e-4 to 2e-2, cosine offset 8e-3, 1000 steps.
 * @throws RangeError if T is no integer of at least 2, or a β does not lie strictly between 0 and 1
 */
export function makeSchedule(options: ScheduleOptions = {}): Schedule {
  const { vPosterior = 0, parameterization = 'eps' } = options;
  if (!(vPosterior >= 0 && vPosterior <= 1)) {
    throw new RangeError(`schedule: v_posterior is ${vPosterior}, wanted a number from 0 to 1`);
  }
  const betas = chooseBetas(options);
  let product = 1;
  const alphasCumprod = betas.map((beta) => {
    product *= 1 - beta;
    return product;
  });
  const alphasCumprodPrev = Float64Array.from([1, ...alphasCumprod.subarray(0, -1)]);
  const oneMinus = alphasCumprod.map((alphaBar) => 1 - alphaBar);
  const posteriorVariance = betas.map(
    (beta, t) => ((1 - vPosterior) * beta * (1 - alphasCumprodPrev[t]!)) / oneMinus[t]! + vPosterior * beta,
  );
  return {
    timesteps: betas.length,
    parameterization,
    betas,
    alphasCumprod,
    alphasCumprodPrev,
    sqrtAlphasCumprod: alphasCumprod.map(Math.sqrt),
    sqrtOneMinusAlphasCumprod: oneMinus.map(Math.sqrt),
    logOneMinusAlphasCumprod: oneMinus.map(Math.log),
    sqrtRecipAlphasCumprod: alphasCumprod.map((alphaBar) => Math.sqrt(1 / alphaBar)),
    sqrtRecipm1AlphasCumprod: alphasCumprod.map((alphaBar) => Math.sqrt(1 / alphaBar - 1)),
    posteriorVariance,
    posteriorLogVarianceClipped: posteriorVariance.map((v) => Math.log(Math.max(v, MIN_POSTERIOR_VARIANCE))),
    posteriorMeanCoef1: betas.map((beta, t) => (beta * Math.sqrt(alphasCumprodPrev[t]!)) / oneMinus[t]!),
    posteriorMeanCoef2: betas.map((beta, t) => ((1 - alphasCumprodPrev[t]!) * Math.sqrt(1 - beta)) / oneMinus[t]!),
    lvlbWeights: elboWeights(parameterization, betas, alphasCumprod, posteriorVariance),
  };
}

/** The 13 arrays that the original registers, in its order: name in the `state_dict` -> float32 values [T]. */
export function scheduleBuffers(schedule: Schedule): Map<string, Float32Array> {
  return new Map(
    Object.entries({
      betas: schedule.betas,
      alphas_cumprod: schedule.alphasCumprod,
      alphas_cumprod_prev: schedule.alphasCumprodPrev,
      sqrt_alphas_cumprod: schedule.sqrtAlphasCumprod,
      sqrt_one_minus_alphas_cumprod: schedule.sqrtOneMinusAlphasCumprod,
      log_one_minus_alphas_cumprod: schedule.logOneMinusAlphasCumprod,
      sqrt_recip_alphas_cumprod: schedule.sqrtRecipAlphasCumprod,
      sqrt_recipm1_alphas_cumprod: schedule.sqrtRecipm1AlphasCumprod,
      posterior_variance: schedule.posteriorVariance,
      posterior_log_variance_clipped: schedule.posteriorLogVarianceClipped,
      posterior_mean_coef1: schedule.posteriorMeanCoef1,
      posterior_mean_coef2: schedule.posteriorMeanCoef2,
      lvlb_weights: schedule.lvlbWeights,
    }).map(([name, values]) => [name, Float32Array.from(values)]),
  );
}

function chooseBetas(options: ScheduleOptions): Float64Array {
  const { givenBetas, betaSchedule = 'linear', linearStart = 1e-4, linearEnd = 2e-2, cosineS = 8e-3 } = options;
  const timesteps = givenBetas?.length ?? options.timesteps ?? 1000;
  if (!Number.isInteger(timesteps) || timesteps < 2) {
    throw new RangeError(`schedule: timesteps is ${timesteps}, wanted an integer of at least 2`);
  }
  const betas = givenBetas
    ? Float64Array.from(givenBetas)
    : makeBetas({ betaSchedule, linearStart, linearEnd, cosineS, timesteps });
  const bad = betas.findIndex((beta) => !(beta > 0 && beta < 1));
  if (bad >= 0) {
    throw new RangeError(
      `schedule: beta ${bad} of ${timesteps} is ${betas[bad]}, wanted a number strictly between 0 and 1; ` +
        (givenBetas
          ? 'check given_betas'
          : `check beta_schedule '${betaSchedule}', linear_start ${linearStart}, linear_end ${linearEnd}, cosine_s ${cosineS}`),
    );
  }
  return betas;
}

/**
 * The weight that turns the mean squared error of the prediction at step t into the bound's term L_{t-1}.
 *
 * eps: β²/(2 σ² α (1-ᾱ)), DDPM equation 12. v: that times ᾱ, because an error of v is an error √ᾱ as large of eps. x0: the
 * original's ½ √ᾱ/(2 - ᾱ), kept for parity; it is a slip of the pen for an SNR-like weight, and not the bound's.
 * Entry 0, where σ² is 0, repeats entry 1.
 *
 * Rounded to float32 after every operation, because the original computes these from its float32 buffers: 1 - ᾱ loses
 * digits at small t, and the exact weights differ from its own by up to 5e-6 of their size.
 */
function elboWeights(
  parameterization: Parameterization,
  betas: Float64Array,
  alphasCumprod: Float64Array,
  posteriorVariance: Float64Array,
): Float64Array {
  const f = Math.fround;
  const weights = betas.map((beta, t) => {
    const alphaBar = f(alphasCumprod[t]!);
    if (parameterization === 'x0') return f(f(0.5 * f(Math.sqrt(alphaBar))) / f(2 - alphaBar));
    const scale = f(f(2 * f(posteriorVariance[t]!) * f(1 - beta)) * f(1 - alphaBar));
    const eps = f(f(f(beta) * f(beta)) / scale);
    return parameterization === 'v' ? f(alphaBar * eps) : eps;
  });
  weights[0] = weights[1]!;
  return weights;
}
