import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import yargs from 'yargs';
import type { BenchSpec } from './case.js';
import { SUITES } from './cases.js';
import { MODEL_BENCHES, PEER_FORMS } from './models/settings.js';
import { isModelSuite, modelRatios, runModelSuite } from './models/suite.js';
import { COMPOSED, phasesOf } from './op-cases.js';
import { writeReport } from './report.js';
import { type BenchRow, formatRows } from './row.js';
import { Bench, runTogether } from './run.js';
import { measureStartUp } from './start-up.js';

const args = await yargs(process.argv.slice(2))
  .scriptName('npm run bench --')
  .usage('$0 <what>', 'Measure the engine', (command) =>
    command.positional('what', {
      choices: [...Object.keys(SUITES), ...MODEL_BENCHES, 'all'],
      demandOption: true,
      type: 'string',
    }),
  )
  .option('json', { type: 'string', describe: 'Write the rows to this file' })
  .option('write', { type: 'string', describe: 'Put the table into this Markdown file, at its marker' })
  .option('runs', { type: 'number', default: 7, describe: 'Timed runs of each configuration' })
  .option('warm-ups', { type: 'number', default: 2, describe: 'Runs before the timed ones' })
  .option('batch', {
    type: 'string',
    describe: 'Samples at once; several by commas. Default: 2 of blocks, 1 of models',
  })
  .option('threads', { type: 'number', describe: 'Threads; default: all cores' })
  .option('device', { type: 'string', describe: "'cpu', 'gpu' or 'gpu:<n>'" })
  .option('only', { type: 'string', describe: 'Only benchmarks whose name contains this' })
  .option('xla', { type: 'boolean', default: false, describe: 'Measure XLA too' })
  .option('config', {
    type: 'string',
    describe: 'Config of the model. Default: each benchmark its own of configs/512_*',
  })
  .option('precision', {
    type: 'string',
    describe:
      'Of models; several by commas. Default: float32 and the half that the device has (bfloat16, on a GPU float16)',
  })
  .option('recompute', {
    type: 'boolean',
    default: true,
    describe: 'train-step: recompute activations as the config says',
  })
  .option('full', { type: 'boolean', default: false, describe: 'train-step: with first stage and condition encoder' })
  .option('ema', { type: 'boolean', default: false, describe: 'train-step: with averages' })
  .option('optimizer', { type: 'boolean', default: true, describe: 'train-step: with AdamW; else loss and gradients' })
  .option('steps', { type: 'number', default: 50, describe: 'generate: sampling steps' })
  .option('peer', { type: 'string', describe: 'A Python interpreter with PyTorch, to measure in turn with ours' })
  .option('peer-forms', {
    type: 'string',
    default: PEER_FORMS.join(','),
    describe: 'Forms that the peer tries; the fastest is measured',
  })
  .strict()
  .parse();

/** The short precision of the device: GPUs are told by --device, for the library is not loaded here. */
const half = args.device?.startsWith('gpu') ? 'float16' : 'bfloat16';
const log = (line: string) => process.stderr.write(`${line}\n`);
const batches = (args.batch ?? '').split(',').filter(Boolean).map(Number);
if (batches.some((batch) => !Number.isInteger(batch) || batch < 1)) {
  throw new Error(`--batch ${args.batch}: wanted whole numbers from 1 on, separated by commas`);
}

const what = args.what as string;
const names = (SUITES[what] ?? []).filter((name) => args.only === undefined || name.includes(args.only));
const rows: BenchRow[] = [];
if (isModelSuite(what)) {
  rows.push(
    ...(await runModelSuite(what, {
      ...{ warmUps: args.warmUps, runs: args.runs, log, config: args.config, device: args.device, peer: args.peer },
      peerForms: args.peerForms.split(','),
      ...{ recompute: args.recompute, full: args.full, ema: args.ema, optimizer: args.optimizer, steps: args.steps },
      precisions: (args.precision ?? `float32,${half}`).split(',').map(precisionOf),
      batches: batches.length === 0 ? [1] : batches,
      threads: args.threads ?? availableParallelism(),
    })),
  );
}
if (what === 'ops' && (args.only ?? 'start-up') === 'start-up') rows.push(await measureStartUp(args.runs));
for (const name of names) {
  for (const phase of phasesOf(name)) {
    const specs = formsOf(name).map(
      (form): BenchSpec => ({
        ...form,
        phase,
        batch: name.startsWith('block') ? (batches[0] ?? 2) : 1,
        ...(args.threads === undefined ? {} : { threads: args.threads }),
        ...(args.device === undefined ? {} : { device: args.device }),
      }),
    );
    const contestants = specs.map((spec) => new Bench(spec));
    rows.push(...(await runTogether(contestants, { warmUps: args.warmUps, runs: args.runs, log })));
  }
}
const output = [
  formatRows(args.write === undefined ? rows : rows.filter(isMeasured)),
  ...(isModelSuite(what) ? modelRatios(rows) : ratios(rows)),
].join('\n');
process.stdout.write(`${output}\n`);
if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(rows, null, 2)}\n`);
if (args.write !== undefined) writeReport(args.write, what, `npm run bench -- ${what}`, output);

function precisionOf(name: string): BenchRow['precision'] {
  if (name === 'float32' || name === 'bfloat16' || name === 'float16') return name;
  throw new Error(`--precision ${name}: wanted float32, bfloat16 (CPU) or float16 (GPU)`);
}

/** Not a preparation such as loading. The start-up's first result is what it measures. */
function isMeasured({ name, phase }: BenchRow): boolean {
  return phase === 'forward' || phase === 'step' || phase === 'generate' || name === 'start-up';
}

/** What is measured in turn with each other; the first is what the others are compared with. */
function formsOf(name: string): Pick<BenchSpec, 'name' | 'mode' | 'precision'>[] {
  if (name === 'scalar-op') return [{ name, mode: 'eager', precision: 'float32' }];
  if (name === 'captured-700') return [{ name, mode: 'compiled', precision: 'float32' }];
  if (!name.startsWith('block'))
    return [name + COMPOSED, name].map((form) => ({ name: form, mode: 'compiled', precision: 'float32' }));
  return [
    { name, mode: 'eager', precision: 'float32' },
    { name, mode: 'compiled', precision: 'float32' },
    { name, mode: 'compiled', precision: half },
    ...(args.xla ? [{ name, mode: 'xla', precision: 'float32' } as const] : []),
  ];
}

/** How much faster our kernels are than composed ops, compiled than eager, and bfloat16 than float32. */
function ratios(all: readonly BenchRow[]): string[] {
  const measured = all.filter(isMeasured);
  const formOf = ({ name, mode, precision }: BenchRow): string => `${name} ${mode} ${precision}`;
  return measured.flatMap((row) =>
    measured
      .filter((base) => base.phase === row.phase && isBaseOf(base, row))
      .map((base) => {
        const best = (base.bestMs / row.bestMs).toFixed(2);
        const median = (base.medianMs / row.medianMs).toFixed(2);
        return `${row.phase}: ${formOf(row)} is ${best}x as fast as ${formOf(base)} by the best, ${median}x by the median`;
      }),
  );
}

function isBaseOf(base: BenchRow, row: BenchRow): boolean {
  if (base.name === row.name + COMPOSED) return true;
  if (base.name !== row.name) return false;
  return row.precision === 'float32'
    ? base.mode === 'eager' && row.mode !== 'eager'
    : base.mode === row.mode && base.precision === 'float32';
}
