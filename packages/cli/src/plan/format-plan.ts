import type { Plan } from './make-plan.js';

/** A plan as lines to print. */
export function formatPlan({ training, generation, ...plan }: Plan): string[] {
  const lines = [
    `${plan.config}: ${(plan.parameters / 1e6).toFixed(1)} M parameters`,
    `device: ${plan.device}, ${plan.threads} threads, ${plan.precision}; measured ${plan.measured.slice(0, 10)}`,
  ];
  if (training !== null) {
    const { batch, seconds, peakMiB, samples, hoursPerEpoch, flops } = training;
    lines.push(
      `training: ${seconds.toPrecision(3)} s a step of ${batch} image(s), ${(flops / 1e9).toFixed(0)} GFLOP; at most ${Math.round(peakMiB)} MiB`,
    );
    if (hoursPerEpoch !== null)
      lines.push(`  an epoch of ${samples} images takes ${hoursPerEpoch.toPrecision(3)} hours`);
  }
  if (generation !== null) {
    const { batch, steps, seconds, stepSeconds, decodeSeconds, peakMiB } = generation;
    lines.push(
      `generation: ${seconds.toPrecision(3)} s for ${batch} image(s) in ${steps} steps of ${stepSeconds.toPrecision(3)} s, decoded in ${decodeSeconds.toPrecision(3)} s; at most ${Math.round(peakMiB)} MiB`,
    );
  }
  return [...lines, ...plan.notes.map((note) => `note: ${note}`)];
}
