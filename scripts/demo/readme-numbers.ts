import type { DemoRecord } from './record.js';
import { STAGES } from './stages.js';
import { findings } from './verdict.js';

/** Name of the README's section that a full run writes. */
const SECTION = 'demo:numbers';

/** Load of a machine that is not free for the demo. */
const BUSY = 0.5;

/** The README with the numbers of this run. @throws Error if the section's marks are not there, once each */
export function withNumbers(readme: string, record: DemoRecord, date: string): string {
  const [open, close] = [`<!-- ${SECTION} -->`, `<!-- /${SECTION} -->`];
  const parts = readme.split(open);
  const rest = parts[1]?.split(close);
  if (parts.length !== 2 || rest?.length !== 2)
    throw new Error(`demo: README.md lacks ${open} ... ${close}, once each`);
  return `${parts[0]}${open}\n${numbers(record, date)}\n${close}${rest[1]}`;
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
