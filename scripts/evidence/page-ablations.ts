import { TRAINING_SEED } from './options.js';
import { intervalText, markdownTable } from './page-table.js';
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
  const { runs, rows, machine, load } = ablations;
  const n = rows[0]?.n ?? 0;
  const cells = runs.map(({ name, steps, seconds }) => [
    name,
    steps === null ? 'as shipped' : `${steps}${seconds === null ? '' : `, ${timeWords(seconds)}`}`,
    ...SHOWN.map((metric) => {
      const row = rows.find((each) => each.method === name && each.metric === metric);
      return row === undefined ? '–' : intervalText(row);
    }),
  ]);
  return `## Ablations

Fresh dynamic diffusers over the same frozen models, each trained for the same number of steps; then the first ${n} pairs of the table, mixed by the
plain softmax. The first row is the control: nothing is left out. The last is the model of the table above, on the same pairs.

${markdownTable(['variant', 'training', ...SHOWN], cells)}

${runs.flatMap(({ name, config }) => (config === null ? [] : [`- **${name}**: \`${config}\`${MEANINGS[name] === undefined ? '' : `. ${MEANINGS[name]}`}`])).join('\n')}

Trained with seed ${TRAINING_SEED} on ${machine}, load ${load} before.`;
}

/** What is left out, by the variant's name. */
const MEANINGS: Readonly<Record<string, string>> = {
  constant_over_time:
    'The dynamic diffusers are told timestep 0 at every step. They still see the noisy latents, and how noisy they are.',
  constant_over_space: 'Their logits are averaged over all pixels before the softmax: one weight for a whole image.',
  unet_output: 'Each looks at the noise that its own branch predicts, instead of the noisy latents.',
};
