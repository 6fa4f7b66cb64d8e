import { NOISE_WEIGHTS, type NoiseErrors } from './noise-errors.js';
import { markdownTable } from './page-table.js';

/**
 * Errors of the noise as a table in Markdown: a row a timestep, and the mean of all.
 * @param errors of at least one timestep
 */
export function noiseTable(errors: readonly NoiseErrors[]): string {
  const mean = (value: (each: NoiseErrors) => number): number =>
    errors.reduce((sum, each) => sum + value(each), 0) / errors.length;
  const all: NoiseErrors = {
    timestep: Number.NaN,
    fixed: NOISE_WEIGHTS.map((_, i) => mean(({ fixed }) => fixed[i]!)),
    collaborative: mean(({ collaborative }) => collaborative),
    generate: mean(({ generate }) => generate),
    influence: mean(({ influence }) => influence),
  };
  return markdownTable(
    [
      'timestep',
      'text alone',
      'mask alone',
      'best fixed weight',
      'its error',
      'plain softmax',
      'as `codiff generate`',
      'influence of the mask',
    ],
    [...errors.map((each) => cells(String(each.timestep), each)), cells(`mean of ${errors.length}`, all)],
  );
}

/** Errors with the best in bold; the influence is that of the plain softmax. */
function cells(name: string, { fixed, collaborative, generate, influence }: NoiseErrors): string[] {
  const best = Math.min(...fixed);
  const least = Math.min(best, collaborative, generate).toFixed(4);
  const error = (value: number): string => (value.toFixed(4) === least ? `**${least}**` : value.toFixed(4));
  return [
    name,
    error(fixed[0]!),
    error(fixed.at(-1)!),
    String(NOISE_WEIGHTS[fixed.indexOf(best)]),
    error(best),
    error(collaborative),
    error(generate),
    influence.toFixed(2),
  ];
}
