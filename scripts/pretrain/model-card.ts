import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { atomicWriteText } from '@codiff/ldm-core/node';
import { curveSvg } from './curve-svg.js';
import { DRAWINGS, drawCommand } from './drawings.js';
import { FLOORS } from './held-out-figures.js';
import { againFile, readRecord, type ShippedRecord } from './shipped-record.js';
import {
  commandLine,
  isRead,
  PRETRAIN_STAGES,
  SHIPPED,
  STAGE_NAMES,
  type StageName,
  shippedFile,
} from './stage-table.js';

/** What each model does, and what its file holds. */
const MODELS: Readonly<Record<StageName, string>> = {
  encoder: 'autoencoder: 64x64 drawing to 16x16x4 latent and back; where the next begins',
  vae: 'the same encoder, and a better decoder',
  mask: 'latent diffusion under a mask: UNet and mask encoder',
  text: 'latent diffusion under a text: UNet and text encoder',
  codiff: 'the two dynamic diffusers alone',
};

/** Write the model card and the curves from the records that are there. @param root the repository */
export async function writeModelCard(root: string): Promise<void> {
  const records: ShippedRecord[] = [];
  const again: ShippedRecord[] = [];
  for (const name of STAGE_NAMES) {
    const record = await readRecord(root, name);
    const repeated = await readRecord(root, name, againFile(name));
    if (repeated !== null) again.push(repeated);
    if (record === null) continue;
    records.push(record);
    await atomicWriteText(join(root, shippedFile(name, 'svg')), curveSvg(record));
  }
  await mkdir(join(root, SHIPPED), { recursive: true });
  await atomicWriteText(join(root, SHIPPED, 'README.md'), modelCard(records, again));
}

/**
 * The card in Markdown.
 * @param records of the stages that have shipped, in order
 * @param again of stages that were trained once more, for their times
 */
export function modelCard(records: readonly ShippedRecord[], again: readonly ShippedRecord[] = []): string {
  const absent = PRETRAIN_STAGES.filter(({ name }) => !records.some(({ stage }) => stage === name));
  const bytes = records.filter(({ stage }) => isRead(stage)).reduce((sum, { weights }) => sum + weights.bytes, 0);
  return [
    '# Demo weights',
    '',
    "Written by `npm run demo:train` from the records (`*.json` beside it and in `../demo_stages`); don't edit.",
    '',
    'Weights of a small collaborative diffusion model of drawn faces, 64x64, trained from nothing on the processor below. `npm run demo -- --pretrained`',
    "makes images with them. They are float16, read into float32. Licence: Apache-2.0; data and training are this repository's own.",
    '',
    ...table(
      ['file', 'what', 'numbers', 'MB', 'SHA-256'],
      records.map(({ stage, weights }) => [
        `\`${nameFromCard(stage, 'safetensors')}\``,
        MODELS[stage],
        String(weights.parameters),
        (weights.bytes / 1e6).toFixed(2),
        `\`${weights.sha256}\``,
      ]),
    ),
    '',
    `${(bytes / 1e6).toFixed(2)} MB in all, without \`encoder\`, which no model reads.${absent.length > 0 ? ` Not trained yet: ${absent.map(({ name }) => name).join(', ')}.` : ''}`,
    'A file holds what its stage trained, and no more: no optimizer, no training loss, no copy of another stage (but the encoder in `vae`). The configs beside them',
    "name the other files, so from the repository's root",
    '',
    '```',
    'npm run -s codiff -- generate --config_path pretrained/demo/codiff.yaml --ckpt_path pretrained/demo/codiff.safetensors \\',
    '  --mask_path MASK.png --input_text "..."',
    '```',
    '',
    'finds all of them; `text2image` and `mask2image` likewise with `text` and `mask`. `npm run demo:train -- --assemble FILE` writes the',
    'collaborative model as one checkpoint, for tools that want that.',
    '',
    '## Recipe',
    '',
    `Data: ${DRAWINGS.faces} faces that \`${commandLine(drawCommand())}\` draws, of which the last ${DRAWINGS.heldOut} are held out. The same command`,
    'draws the same faces. `npm run demo:train` does all of this, a stage after the other, and goes on where it was stopped.',
    '',
    ...table(
      ['stage', 'steps x images', 'seed', 'precision', 'minutes', 'images/s', 'minutes at that speed', 'read'],
      records.map(({ stage, steps, batchSize, seed, precision, seconds, imagesPerSecond, inputs }) => [
        stage,
        `${steps} x ${batchSize}`,
        String(seed),
        precision,
        (seconds / 60).toFixed(1),
        String(imagesPerSecond),
        ((steps * batchSize) / imagesPerSecond / 60).toFixed(1),
        Object.keys(inputs).join(', ') || 'nothing',
      ]),
    ),
    '',
    'Minutes are those on the clock, of a machine that did other work too; images/s is the median of the run. A run that was not interrupted and one that was take the same steps;',
    'other machines and versions round otherwise.',
    '',
    timesAgainstLimit(records),
    '',
    ...trainedAgain(again),
    ...records.flatMap(({ stage, command, machine, versions }) => [
      `**${stage}**, on ${machine.replace(/\b1 cores$/, '1 core')}, ${Object.entries(versions)
        .map(([name, version]) => `${name} ${version}`)
        .join(', ')}:`,
      '',
      '```',
      command,
      '```',
      '',
    ]),
    '## Held-out faces',
    '',
    ...table(
      ['stage', 'figure', 'value', 'floor', 'faces', 'what'],
      records.flatMap(({ stage, heldOut }) =>
        heldOut.map(({ name, value, n, what }) => {
          const floor = FLOORS[stage]?.[name];
          const held = floor === undefined ? '' : `${floor}, ${value >= floor ? 'reached' : 'missed'}`;
          return [stage, `\`${name}\``, String(value), held, String(n), what];
        }),
      ),
    ),
    '',
    "Of the shipped float16 files, but for the validation loss, which is of the run's last weights. Samples: 50 steps, seed 0, judged by the",
    'networks in `pretrained/evaluators`, which share nothing with these models.',
    '',
    '## Curves',
    '',
    ...records.map(({ stage, curves }) => `![${curves.name} of ${stage}](${nameFromCard(stage, 'svg')})`),
    '',
    '## Limits',
    '',
    '- Drawn faces of 64x64 only: no photographs, no other sizes. Masks hold the classes that the drawings have (skin, brows, eyes, ears, nose,',
    '  lips, hair, neck, cloth, and at times hat, glasses, earrings, necklaces).',
    '- Texts in the words of the drawn captions: gender, age and beard. Other words were never seen; the text encoder has not learned them.',
    '- Small models with little training: fine lines may waver, and rare parts may be missing.',
    '- Gender, age and beard are marks of drawings (`packages/trainer/README.md`), and say nothing about people.',
    '',
  ].join('\n');
}

/** Minutes that a stage is sized for, on 2 free cores. */
const STAGE_MINUTES = 60;

/** Which stages took longer than a stage is to take, and whether they would have on a free machine. */
function timesAgainstLimit(records: readonly ShippedRecord[]): string {
  const named = (found: readonly { readonly stage: StageName; readonly minutes: number }[]): string =>
    new Intl.ListFormat('en').format(found.map(({ stage, minutes }) => `${stage} (${minutes.toFixed(1)})`));
  const beyond = (minutesOf: (record: ShippedRecord) => number) =>
    named(
      records
        .map((record) => ({ stage: record.stage, minutes: minutesOf(record) }))
        .filter(({ minutes }) => minutes > STAGE_MINUTES),
    );
  const clock = beyond(({ seconds }) => seconds / 60);
  const median = beyond(({ steps, batchSize, imagesPerSecond }) => (steps * batchSize) / imagesPerSecond / 60);
  const byClock = clock === '' ? 'By the clock none took longer' : `By the clock longer: ${clock}`;
  const atMedian = median === '' ? "at the run's median speed none" : `at the run's median speed: ${median}`;
  return `A stage is sized for at most ${STAGE_MINUTES} minutes on 2 free cores. ${byClock}; ${atMedian}.`;
}

/** Trainings that were done once more, on a machine with nothing else to do; their weights did not ship. */
function trainedAgain(again: readonly ShippedRecord[]): string[] {
  if (again.length === 0) return [];
  return [
    'Trained once more by the same commands, on a machine that did little else, to see what a stage takes and what it gives; these weights',
    'did not ship:',
    '',
    ...table(
      ['stage', 'machine', 'minutes', 'images/s', 'held-out faces'],
      again.map(({ stage, machine, seconds, imagesPerSecond, heldOut }) => [
        ...[stage, machine, (seconds / 60).toFixed(1), String(imagesPerSecond)],
        heldOut.map(({ name, value }) => `\`${name}\` ${value}`).join(', '),
      ]),
    ),
    '',
  ];
}

/** A file of a stage as the card names it. */
const nameFromCard = (stage: StageName, ending: 'safetensors' | 'svg'): string =>
  relative(SHIPPED, shippedFile(stage, ending));

const table = (head: readonly string[], rows: readonly (readonly string[])[]): string[] =>
  [head, head.map(() => '---'), ...rows].map((cells) => `| ${cells.join(' | ')} |`);
