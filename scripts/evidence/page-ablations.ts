import { TRAINING_SEED } from './options.js';
import { differenceText, intervalText, markdownTable } from './page-table.js';
import { PAIRED_METRICS, PAIRED_RESAMPLES } from './paired-metrics.js';
import { type EvidenceRecord, METRICS } from './record.js';
import { timeWords } from './work-left.js';

/** Columns of the table of ablations. */
const SHOWN = METRICS.filter((metric) => metric !== 'diversity');

/** The ablations, or how to make them. */
export function ablationSection({ ablations }: Pick<EvidenceRecord, 'ablations'>): string {
  if (ablations === undefined) {
    return `## Ablations

Not measured yet: \`npm run evidence -- ablations\` trains the variants of \`configs/ablations\` and fills this table.`;
  }
  const { runs, rows, differences, machine, load } = ablations;
  const n = rows[0]?.n ?? 0;
  const cells = runs.map(({ name, steps, seconds }) => [
    name,
    steps === null ? 'as shipped' : `${steps}${seconds === null ? '' : `, ${timeWords(seconds)}`}`,
    ...SHOWN.map((metric) => {
      const row = rows.find((each) => each.method === name && each.metric === metric);
      return row === undefined ? '–' : intervalText(row);
    }),
  ]);
  const compared = runs
    .filter(({ name }) => differences.some((each) => each.name === name))
    .map(({ name }) => [
      name,
      ...PAIRED_METRICS.map((metric) => {
        const found = differences.find((each) => each.name === name && each.metric === metric);
        if (found === undefined) return '–';
        const text = differenceText(found, metric === 'frechet' ? 2 : 4);
        return found.low > 0 || found.high < 0 ? `**${text}**` : text;
      }),
    ]);
  return `## Ablations

Fresh dynamic diffusers over the same frozen models, each trained for the same number of steps; then the first ${n} pairs of the table, mixed by the
plain softmax. The first row is the control: nothing is left out. The last is the model of the table above, on the same pairs.

${markdownTable(['variant', 'training', ...SHOWN], cells)}

${runs.flatMap(({ name, config }) => (config === null ? [] : [`- **${name}**: \`${config}\`${MEANINGS[name] === undefined ? '' : `. ${MEANINGS[name]}`}`])).join('\n')}

What each gives more than the control, over the same pairs and the same noise (paired bootstrap of ${PAIRED_RESAMPLES} resamples, 95 % intervals; bold
where the interval lies on one side of 0). Each variant was trained once, so another seed's training may differ by more than these intervals, which are for
the choice of the pairs.

${markdownTable(['variant less control', ...PAIRED_METRICS], compared)}

Trained with seed ${TRAINING_SEED} on ${machine}, load ${load} before.`;
}

/** What is left out, by the variant's name. */
const MEANINGS: Readonly<Record<string, string>> = {
  constant_over_time:
    'The dynamic diffusers are told timestep 0 at every step. They still see the noisy latents, and how noisy they are.',
  constant_over_space: 'Their logits are averaged over all pixels before the softmax: one weight for a whole image.',
  unet_output: 'Each looks at the noise that its own branch predicts, instead of the noisy latents.',
};
