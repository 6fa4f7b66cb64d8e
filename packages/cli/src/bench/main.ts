import { writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import yargs from 'yargs';
import { SUITES } from './cases.js';
import { formatProfile } from './format-profile.js';
import { DEFAULT_CONFIGS, MODEL_BENCHES, PEER_FORMS } from './models/settings.js';
import { isModelBench, modelRatios, profileBench, runModelBench, type SuiteOptions } from './models/suite.js';
import { isMeasured, opRatios, runOpSuite } from './op-suite.js';
import { ENTRIES } from './performance/entries.js';
import { measureGrowth, measureTable } from './performance/measure.js';
import { writeReport } from './report.js';
import { type BenchRow, formatRows } from './row.js';
import { measureStartUp } from './start-up.js';

const args = await yargs(process.argv.slice(2))
  .scriptName('npm run bench --')
  .usage('$0 <what>', 'Measure the engine', (command) =>
    command.positional('what', {
      choices: [...Object.keys(SUITES), ...MODEL_BENCHES, 'all', 'growth', 'plan'],
      demandOption: true,
      type: 'string',
    }),
  )
  .option('json', { type: 'string', describe: 'Write the rows to this file' })
  .option('write', {
    type: 'string',
    describe: 'Put the table into this Markdown file: at its marker, or all of the page of `all` and `growth`',
  })
  .option('runs', { type: 'number', default: 7, describe: 'Timed runs of each configuration' })
  .option('warm-ups', { type: 'number', default: 2, describe: 'Runs before the timed ones' })
  .option('batch', {
    type: 'string',
    describe: 'Samples at once; several by commas. Default: 2 of blocks, 1 of models',
  })
  .option('threads', { type: 'string', describe: 'Threads; several by commas for growth. Default: all cores' })
  .option('device', { type: 'string', describe: "'cpu', 'gpu' or 'gpu:<n>'" })
  .option('only', { type: 'string', describe: 'Only benchmarks, or entries of `all`, whose name contains this' })
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
  .option('profile', {
    type: 'boolean',
    default: false,
    describe: 'Of models: the operations that take the most time, with the bytes they move',
  })
  .option('peer', { type: 'string', describe: 'A Python interpreter with PyTorch, to measure in turn with ours' })
  .option('peer-forms', {
    type: 'string',
    default: PEER_FORMS.join(','),
    describe: 'Forms that the peer tries; the fastest is measured',
  })
  .strict()
  // The last of a flag that is given twice counts, as in most commands.
  .parserConfiguration({ 'duplicate-arguments-array': false })
  .parse();

/** The short precision of the device: GPUs are told by --device, for the library is not loaded here. */
const half = args.device?.startsWith('gpu') ? 'float16' : 'bfloat16';
/** Pages that are written whole, from results that are kept beside them. */
const isPage = ['all', 'growth'].includes(args.what as string);
const log = (line: string) => process.stderr.write(`${line}\n`);
const batches = numbers('batch', args.batch);
const threads = numbers('threads', args.threads);
const what = args.what as string;
const isWanted = (name: string): boolean => args.only === undefined || name.includes(args.only);
const run = { warmUps: args.warmUps, runs: args.runs, log, device: args.device };
const settings = {
  ...{ recompute: args.recompute, full: args.full, ema: args.ema, optimizer: args.optimizer, steps: args.steps },
};
const suite: SuiteOptions = {
  ...{ ...run, ...settings, config: args.config, peer: args.peer, peerForms: args.peerForms.split(',') },
  precisions: (args.precision ?? `float32,${half}`).split(',').map(precisionOf),
  batches: batches.length === 0 ? [1] : batches,
  threads: threads[0] ?? availableParallelism(),
};

if (what === 'plan') {
  if (args.config === undefined) wrongUse('bench plan: name a config with --config');
  // It runs models in this process; nothing else here does.
  const { comparePlan, formatCompared } = await import('./plan-check/compare-plan.js');
  const compared = await comparePlan(args.config, suite);
  finish(formatCompared(compared), compared);
} else if (args.profile) {
  const names = MODEL_BENCHES.filter((name) => name === what || (what === 'all' && isWanted(name)));
  if (names.length === 0) wrongUse(`bench ${what} --profile: wanted one of ${MODEL_BENCHES.join(', ')}`);
  for (const name of names) {
    for (const precision of suite.precisions) {
      const ops = await profileBench(name, precision, suite);
      finish(`${formatProfile(`${name} ${precision}`, ops)}\n`, ops);
    }
  }
} else {
  const rows = await measured();
  const shown = args.write === undefined ? rows : rows.filter(isMeasured);
  const output = [
    formatRows(shown),
    ...(what === 'all' || isModelBench(what) ? modelRatios(rows) : opRatios(rows)),
  ].join('\n');
  finish(output, rows);
  if (args.write !== undefined && !isPage) writeReport(args.write, what, `npm run bench -- ${what}`, output);
}

async function measured(): Promise<BenchRow[]> {
  if (what === 'growth') return measuredGrowth();
  if (what === 'all') {
    if (!ENTRIES.some(({ id }) => isWanted(id))) {
      wrongUse(`bench all --only ${args.only}: wanted a part of one of ${ENTRIES.map(({ id }) => id).join(', ')}`);
    }
    return measureTable(args.write, suite, ({ id }) => isWanted(id));
  }
  if (isModelBench(what)) return runModelBench(what, suite);
  const names = (SUITES[what] ?? []).filter(isWanted);
  const options = { ...run, half, xla: args.xla, batch: batches[0] ?? 2, threads: threads[0] } as const;
  return [
    ...(what === 'ops' && (args.only ?? 'start-up') === 'start-up' ? [await measureStartUp(args.runs)] : []),
    ...(await runOpSuite(names, options)),
  ];
}

async function measuredGrowth(): Promise<BenchRow[]> {
  const rows: BenchRow[] = [];
  for (const name of (['unet', 'codiff-step'] as const).filter(isWanted)) {
    for (const precision of args.precision === undefined ? (['float32'] as const) : suite.precisions) {
      const model = { config: args.config ?? DEFAULT_CONFIGS[name], ...settings };
      const sizes = {
        batches: batches.length === 0 ? [1, 2, 4, 8] : batches,
        threads: threads.length === 0 ? [1, 2] : threads,
      };
      rows.push(...(await measureGrowth(args.write, { ...run, ...sizes, name, precision, model })));
    }
  }
  return rows;
}

function finish(output: string, data: readonly object[]): void {
  process.stdout.write(`${output}\n`);
  if (args.json !== undefined) writeFileSync(args.json, `${JSON.stringify(data, null, 2)}\n`);
}

function numbers(flag: string, list = ''): number[] {
  const found = list.split(',').filter(Boolean).map(Number);
  if (found.every((number) => Number.isInteger(number) && number >= 1)) return found;
  wrongUse(`--${flag} ${list}: wanted whole numbers from 1 on, separated by commas`);
}

function precisionOf(name: string): BenchRow['precision'] {
  if (name === 'float32' || name === 'bfloat16' || name === 'float16') return name;
  wrongUse(`--precision ${name}: wanted float32, bfloat16 (CPU) or float16 (GPU)`);
}

/** Flags that say nothing that can be measured: one line, as the commands of codiff do. */
function wrongUse(problem: string): never {
  process.stderr.write(`${problem}\n`);
  process.exit(2);
}
