import { METHOD_WORDS, METHODS } from './methods.js';
import { SEED } from './options.js';
import { ablationSection } from './page-ablations.js';
import { claimSection } from './page-claims.js';
import { intervalText, markdownTable } from './page-table.js';
import { DEVIATIONS, SAFETY } from './quick-rule.js';
import { type EvidenceRecord, METRICS } from './record.js';
import { timeWords } from './work-left.js';

/**
 * `docs/evidence.md`: the same record gives the same page.
 * @param tried what people have to say about it, in Markdown: what was tried where a claim does not hold
 */
export function evidencePage(record: EvidenceRecord, tried = ''): string {
  const sections = [
    head(record),
    claimSection(record),
    tried.trim() === '' ? '' : `## What was tried\n\n${tried.trim()}`,
    table(record),
    mixSection(record),
    pictures(record),
    ablationSection(record),
    how(record),
  ];
  return `${sections.filter((text) => text !== '').join('\n\n')}\n`;
}

function head({ date, pairs }: EvidenceRecord): string {
  return `# Evidence

Written by \`npm run evidence\` on ${date}; do not edit. The claim (Huang, Chan, Jiang, Liu: Collaborative Diffusion, CVPR 2023): with a
mask and a text together, collaborative diffusion follows *both* better than either model alone and than a fixed mix of the two, without
losing image quality. It is tested here on the drawn faces and the small models that ship with this repository, on ${pairs.test} pairs
of a mask and a text that no model was trained on.`;
}

function table(record: EvidenceRecord): string {
  const { rows, real, pairs, fixedMix } = record;
  const cells = [...METHODS, 'real' as const].map((method) => [
    method === 'real' ? 'the real drawings' : `**${method}**`,
    ...METRICS.map((metric) => {
      const row = [...rows, ...real].find((each) => each.method === method && each.metric === metric);
      return row === undefined ? '–' : intervalText(row);
    }),
  ]);
  return `## The table

${markdownTable(['method', ...METRICS], cells)}

In brackets the 95 % interval. Higher is better for mask_accuracy, mask_miou and text_consistency; lower for frechet and kid;
diversity is neither good nor bad by itself. The last row is what the same networks say of the drawings that masks and texts belong to:
no method can be expected above it. Mask and text of a pair are of one face, so they do not contradict each other.

${METHODS.map((method) => `- **${method}**: ${METHOD_WORDS[method]}${method === 'fixed-mix' ? `; here the mask has ${fixedMix}, the text ${Number((1 - fixedMix).toFixed(1))}` : ''}.`).join('\n')}

- mask_accuracy, mask_miou: a parser finds the class of every pixel of the generated image, which is compared with the given mask
  (share of pixels; mean intersection over union of the classes). n = ${pairs.test}, bootstrap over pairs.
- text_consistency: share of gender, age and beard that a classifier finds as the text tells them. n = ${pairs.test}, bootstrap over pairs.
- frechet, kid: Frechet distance and kernel distance to ${pairs.reference} real held-out drawings, by the classifier's features. Intervals by the
  infinitesimal jackknife and by subsets. Not comparable with published FIDs, which are by Inception-v3, nor with other numbers of images.
- diversity: mean distance, by the same features, of two images of one pair; n = ${pairs.twice} pairs.

The parser and the classifier are those of \`codiff evaluate\`; they share no weights with the models that are measured.`;
}

function mixSection({ grid, fixedMix, pairs }: EvidenceRecord): string {
  const cells = grid.map(({ weight, mask_accuracy, text_consistency, normalised, score }) => [
    weight === fixedMix ? `**${weight}**` : String(weight),
    mask_accuracy.toFixed(4),
    text_consistency.toFixed(4),
    normalised.mask_accuracy.toFixed(3),
    normalised.text_consistency.toFixed(3),
    weight === fixedMix ? `**${score.toFixed(3)}**` : score.toFixed(3),
  ]);
  return `## The fixed mix

So that the baseline is strong, its weight is the best of the grid on ${pairs.validation} other held-out pairs, none of which is in the table. Best is the
highest mean of the two normalised consistencies; normalised means (value - lowest of the grid) / (highest - lowest), so 0 is the
worst weight and 1 the best. Weight 0 is the text model alone, 1 the mask model alone.

${markdownTable(['weight of the mask', 'mask_accuracy', 'text_consistency', 'mask, normalised', 'text, normalised', 'mean'], cells)}`;
}

function pictures({ pictures = [] }: EvidenceRecord): string {
  if (pictures.length === 0) return '';
  const each = pictures.map(
    ({ file, title, words }) =>
      `### ${title[0]!.toUpperCase()}${title.slice(1)}\n\n![${title}](${file})\n\n${words.join('  \n')}`,
  );
  return `## Pictures

Of the first pairs of the table; none was chosen for its looks.

${each.join('\n\n')}`;
}

function how({
  sampling,
  configs,
  hashes,
  heldOut,
  seconds,
  machine,
  load,
  pairs,
  quick,
  warnings,
}: EvidenceRecord): string {
  const total = Object.values(seconds).reduce((sum, each) => sum + each, 0);
  const times = Object.entries(seconds).map(([part, each]) => [part, timeWords(each)]);
  return `## How it was made

\`\`\`
npm run evidence                 # the table, the pictures and this page; stopped, it goes on where it was
npm run evidence -- ablations    # the ablations
npm run evidence -- noise        # the errors of the noise, of which "What was tried" tells
npm run evidence -- --quick      # what CI runs
\`\`\`

- Sampler: DDIM, ${sampling.steps} steps, eta ${sampling.eta}, without guidance; the same start noise and the same noise at every step for all methods.
- Seeds: ${sampling.seed} of the noise, ${SEED} of the resamples, ${heldOut.seed} of the drawings. Pair i has the face ${heldOut.first} + i of that set; the table has the first ${pairs.test}, the
  choice of the fixed mix the last ${pairs.validation} of ${heldOut.count}.
- Model: ${configs.map((path) => `\`${path}\``).join(', ')} with
${Object.entries(hashes)
  .map(([file, hash]) => `  - \`${file}\`, SHA-256 \`${hash}\``)
  .join('\n')}
- Machine: ${machine}, load ${load} before the last run began${load > BUSY ? ' (it did other work too, so the times are too long)' : ''}. Wall time ${timeWords(total)} in all:

${markdownTable(['part', 'time'], times)}

A quick run makes the images of the first ${quick.pairs} pairs anew and passes when every value lies in the interval of the table above, widened for
its n: half widths times ${SAFETY} sqrt(n of the table / n of the quick run), those of shares of 1 at least 3/n of the table before that; frechet and
mask_miou, whose expectation depends on n, are moved by their bias at ${quick.pairs} images, with half widths of at least ${DEVIATIONS} of their standard
deviations there; both were measured on random subsets of the table's images. Which method is
better plays no part in it.${warnings.length > 0 ? `\n\nWarnings of the evaluation: ${warnings.join('; ')}.` : ''}`;
}

/** Load of a machine that is not free for this. */
const BUSY = 0.5;
