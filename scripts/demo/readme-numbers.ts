import type { DemoRecord } from './record.js';
import { STAGES } from './stages.js';
import { findings } from './verdict.js';

/** Where the README's picture is kept. */
export const README_PICTURE = 'docs/demo.png';

/** Load of a machine that is not free for the demo. */
const BUSY = 0.5;

/**
 * The README with the numbers and the picture of this run, in the sections `demo:numbers` and `demo:picture`.
 * @throws Error if a section's marks are not there, once each
 */
export const withNumbers = (readme: string, record: DemoRecord, date: string): string =>
  withSection(withSection(readme, 'demo:numbers', numbers(record, date)), 'demo:picture', picture(record));

function withSection(readme: string, name: string, text: string): string {
  const [open, close] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const parts = readme.split(open);
  const rest = parts[1]?.split(close);
  if (parts.length !== 2 || rest?.length !== 2) {
    throw new Error(`demo: README.md lacks ${open} ... ${close}, once each`);
  }
  return `${parts[0]}${open}\n${text}\n${close}${rest[1]}`;
}

function picture({ samples }: DemoRecord): string {
  if (samples === undefined) throw new Error('demo: there are no samples to show in README.md');
  return [
    `![three rows of drawn faces](${README_PICTURE})`,
    '',
    `*Made by the demo from a face it was not trained on. Above: from the text alone, “${samples.text}” Middle: from the mask`,
    'alone. Below: from both together. On the left the face itself, its mask, and where the mask had influence (white) at one step.*',
  ].join('\n');
}

function numbers(record: DemoRecord, date: string): string {
  const rows = STAGES.flatMap(({ name, config }) => {
    const stage = record.stages[name];
    if (stage === undefined) return [];
    const { steps, batchSize, seconds, cpuSeconds, stepsPerSecond, imagesPerSecond } = stage;
    const cells = [
      `[${config}](${config})`,
      `${steps} x ${batchSize}`,
      seconds.toFixed(0),
      cpuSeconds.toFixed(0),
      stepsPerSecond.toFixed(2),
      imagesPerSecond.toFixed(1),
    ];
    return [`| ${cells.join(' | ')} |`];
  });
  return [
    `\`npm run demo -- --write\` on ${date}, ${record.machine}, ${(record.seconds / 60).toFixed(1)} minutes in all:`,
    ...(record.load > BUSY
      ? [`(The machine did other work too: its load was ${record.load} before the start, so the times are too long.)`]
      : []),
    '',
    '| training | steps x images | s | processor s | steps/s | images/s |',
    '|---|---|---|---|---|---|',
    ...rows,
    '',
    ...findings(record).map(({ ok, text }) => `- ${ok ? '' : 'missed: '}${text}`),
  ].join('\n');
}
