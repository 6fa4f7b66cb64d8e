import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { EvidenceError } from './evidence-error.js';
import { HELD_OUT, type HeldOutSet } from './pairs.js';
import { EDIT_TUNING, type EditIterations } from './pictures/edit-tuning.js';

/** What `npm run evidence` may do. */
export const TASKS = ['table', 'quick', 'ablations', 'pictures', 'noise', 'page'] as const;
/** A name from {@link TASKS}. */
export type Task = (typeof TASKS)[number];

/** What a quick run may compute in. */
const QUICK_PRECISIONS = ['float32', 'bfloat16'] as const;
/** A name from {@link QUICK_PRECISIONS}. */
export type QuickPrecision = (typeof QUICK_PRECISIONS)[number];

/** What `npm run evidence` is asked for. Paths are absolute where nothing else is said. */
export interface EvidenceOptions {
  readonly task: Task;
  /** Folder that paths of configs start from: the repository. */
  readonly root: string;
  /** Folder of images and runs. */
  readonly out: string;
  /** The record: `docs/evidence.json`. The page and its pictures lie beside it. */
  readonly json: string;
  /** Config of the collaborative model, from the root. */
  readonly config: string;
  /** Its weights, from the root: a folder of parts, or one checkpoint. */
  readonly weights: string;
  /** Folder of the networks that measure. */
  readonly pretrained: string;
  /** Pairs of the table. */
  readonly pairs: number;
  /** Pairs by which the weight of the fixed mix is chosen. */
  readonly validation: number;
  /** Pairs with a second sample. */
  readonly twice: number;
  readonly steps: number;
  /** What models compute in: the table in float32. */
  readonly precision: QuickPrecision;
  readonly batchSize: number;
  /** Faces that are held out. */
  readonly heldOut: HeldOutSet;
  /** Iterations by which the edited drawing is tuned. */
  readonly tuning: EditIterations;
  /** Optimizer steps of an ablation. */
  readonly trainSteps: number;
  /** Wall time of an ablation's training, at most. */
  readonly trainSeconds: number;
  /** Fail unless there is an earlier run to go on with. */
  readonly resume: boolean;
  /** Throw away what is there, and begin anew. */
  readonly force: boolean;
}

/** Of the start noise, the intervals and the resamples. */
export const SEED = 1;
/** Of an ablation's first weights, order and noise: the same for all of them. */
export const TRAINING_SEED = 23;
/** DDIM as the original samples. */
export const ETA = 1;

/** Pairs of a quick run at most; those with a second sample are the first of them. */
export const QUICK = { pairs: 25, twice: 25 } as const;

/** Those of a table with so many pairs. */
export const quickPairs = ({ pairs, twice }: Pick<EvidenceOptions, 'pairs' | 'twice'>) => ({
  pairs: Math.min(QUICK.pairs, pairs),
  twice: Math.min(QUICK.twice, twice),
});

const DEFAULTS = {
  out: 'outputs/evidence',
  json: 'docs/evidence.json',
  config: 'pretrained/demo/codiff.yaml',
  weights: 'pretrained/demo',
  pretrained: 'pretrained',
  n: 500,
  validation: 100,
  twice: 100,
  steps: 50,
  batch: 25,
  trainSteps: 1000,
  trainMinutes: 10,
} as const;

export const USAGE = `npm run evidence [-- [table | ablations | pictures | noise | page] [options]]

Tests the paper's claim on the weights that ship: with a mask and a text together, collaborative diffusion follows both better than
either model alone and than a fixed mix of the two. Makes images of held-out pairs by every method from the same start noise,
measures them, and writes docs/evidence.md, docs/evidence.json and docs/evidence/*.png. Stopped, it goes on where it was.

  table          all of that (the default)
  ablations      train the variants of configs/ablations, at most ${DEFAULTS.trainMinutes} minutes each, and measure them too
  pictures       make the pictures again
  noise          print how well each mix predicts the noise in held-out faces, timestep by timestep; writes nothing
  page           write the page again from the record

  --quick        few pairs, anew: passes when every value lies in the full table's interval, widened for fewer images
  --precision P  of a quick run: float32 or bfloat16, whose values have to lie in the same intervals (float32)
  --json FILE    the record (${DEFAULTS.json}); page and pictures lie beside it; of a quick run the record to compare with
  --n N          pairs of the table (${DEFAULTS.n})
  --resume       only go on: fail where there is no earlier run
  --force        throw away earlier images, and begin anew
  --out DIR      where images go (${DEFAULTS.out}, or ${DEFAULTS.out}-quick)
  --config FILE  config of the collaborative model (${DEFAULTS.config})
  --weights DIR  its weights: a folder with {codiff,text,mask,vae}.safetensors, or one checkpoint (${DEFAULTS.weights})
  --evaluators DIR  folder of the networks that measure (${DEFAULTS.pretrained})
  --steps N      sampling steps (${DEFAULTS.steps})
  --batch N      images at once (${DEFAULTS.batch})
  --validation N pairs by which the fixed mix is chosen (${DEFAULTS.validation})
  --twice N      pairs with a second sample, for the diversity (${DEFAULTS.twice})
  --train-steps N optimizer steps of an ablation (${DEFAULTS.trainSteps})
  --edit-steps N iterations of both stages of an edit (${EDIT_TUNING.embedding.iterations} and ${EDIT_TUNING.weights.iterations})
  --held-out N   held-out faces (${HELD_OUT.count})
  --help         print this`;

/** @param args the command line's @param root the repository @returns null: help was asked for */
export function parseOptions(args: readonly string[], root: string): EvidenceOptions | null {
  const flag = { type: 'boolean' } as const;
  const text = { type: 'string' } as const;
  const options = {
    quick: flag,
    resume: flag,
    force: flag,
    help: flag,
    json: text,
    n: text,
    out: text,
    config: text,
    weights: text,
    evaluators: text,
    steps: text,
    precision: text,
    batch: text,
    validation: text,
    twice: text,
    'train-steps': text,
    'edit-steps': text,
    'held-out': text,
  } as const;
  let parsed: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    parsed = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new EvidenceError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  const { values, positionals } = parsed;
  if (values.help) return null;
  const task = taskOf(positionals, values.quick ?? false);
  const quick = task === 'quick';
  const fixed = quick
    ? (['n', 'twice', 'steps', 'validation'] as const).find((name) => values[name] !== undefined)
    : undefined;
  if (fixed !== undefined) {
    throw new EvidenceError(`evidence: --${fixed} is the full run's, which a quick run follows; leave it out`);
  }
  const precision = QUICK_PRECISIONS.find((name) => name === (values.precision ?? 'float32'));
  if (precision === undefined || (precision !== 'float32' && !quick)) {
    throw new EvidenceError(
      `evidence: --precision is '${values.precision}'; wanted float32, or with --quick bfloat16: the table is float32's`,
    );
  }
  if (values.json !== undefined && !values.json.endsWith('.json')) {
    throw new EvidenceError(
      `evidence: --json is '${values.json}'; wanted a name that ends in .json: the page has the same with .md`,
    );
  }
  if (values.resume && values.force)
    throw new EvidenceError('evidence: --resume goes on and --force begins anew; give one');
  const pairs = whole('n', values.n, 10, DEFAULTS.n);
  const twice = whole('twice', values.twice, 10, Math.min(DEFAULTS.twice, pairs));
  if (twice > pairs) throw new EvidenceError(`evidence: --twice is ${twice}, more than the ${pairs} pairs`);
  const validation = whole('validation', values.validation, 10, DEFAULTS.validation);
  const heldOut = { ...HELD_OUT, count: whole('held-out', values['held-out'], 20, HELD_OUT.count) };
  if (task === 'table' && pairs + validation > heldOut.count) {
    throw new EvidenceError(
      `evidence: ${pairs} pairs and ${validation} for validation are more than the ${heldOut.count} held-out faces; wanted at most ${heldOut.count - validation} with --n`,
    );
  }
  return {
    task,
    root,
    out: resolve(root, values.out ?? (quick ? `${DEFAULTS.out}-quick` : DEFAULTS.out)),
    json: resolve(root, values.json ?? DEFAULTS.json),
    config: values.config ?? DEFAULTS.config,
    weights: values.weights ?? DEFAULTS.weights,
    pretrained: resolve(root, values.evaluators ?? DEFAULTS.pretrained),
    pairs,
    twice,
    validation,
    steps: whole('steps', values.steps, 1, DEFAULTS.steps),
    precision,
    batchSize: whole('batch', values.batch, 1, DEFAULTS.batch),
    heldOut,
    tuning: {
      embedding: whole('edit-steps', values['edit-steps'], 1, EDIT_TUNING.embedding.iterations),
      weights: whole('edit-steps', values['edit-steps'], 1, EDIT_TUNING.weights.iterations),
    },
    trainSteps: whole('train-steps', values['train-steps'], 1, DEFAULTS.trainSteps),
    trainSeconds: 60 * DEFAULTS.trainMinutes,
    resume: values.resume ?? false,
    // A quick run checks what is there now, not what an earlier one has left.
    force: values.force ?? (quick && !values.resume),
  };
}

function taskOf(words: readonly string[], quick: boolean): Task {
  const [word = 'table', ...more] = words;
  const task = TASKS.find((name) => name === word && name !== 'quick');
  if (task === undefined || more.length > 0) {
    throw new EvidenceError(
      `evidence: '${words.join(' ')}' is no task; wanted one of ${TASKS.filter((name) => name !== 'quick').join(', ')}`,
    );
  }
  if (!quick) return task;
  if (task === 'table') return 'quick';
  throw new EvidenceError(`evidence: --quick is of the table, not of ${task}; leave one out`);
}

function whole(name: string, given: string | undefined, least: number, otherwise: number): number {
  if (given === undefined) return otherwise;
  const value = Number(given);
  if (Number.isInteger(value) && value >= least) return value;
  throw new EvidenceError(`evidence: --${name} is '${given}', a whole number of at least ${least} was wanted`);
}
