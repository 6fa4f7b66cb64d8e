import { parseArgs } from 'node:util';
import { LIMITS } from './held-out-figures.js';
import { PretrainError } from './pretrain-error.js';
import { STAGE_NAMES, type StageName } from './stage-table.js';

/** `codiff evaluate` measures no fewer images. */
const LEAST = 10;

/** What can be asked for, in the order in which it is done. */
export const STEP_NAMES = ['data', ...STAGE_NAMES] as const;
/** One of them. */
export type StepName = (typeof STEP_NAMES)[number];

/** What `npm run demo:train` is asked for. */
export interface PretrainOptions {
  /** In the order in which they are done. */
  readonly steps: readonly StepName[];
  /** Stages that are done again, whatever is there. */
  readonly force: readonly StageName[];
  /** Most held-out faces that a stage is measured by. */
  readonly limit: number;
  /** Say the commands, and do nothing. */
  readonly print: boolean;
  /** Write one complete checkpoint here of everything that ships, and train nothing. */
  readonly assemble: string | null;
}

export const USAGE = `npm run demo:train [-- stages and options]

Trains the weights in pretrained/demo/. Stages, in this order: ${STEP_NAMES.join(', ')}. Without stages: all that are not done.
A stage that was interrupted goes on where it was. Each ends with its own files in pretrained/demo/.

  --force STAGE    do a stage again that is done, from its beginning
  --limit N        measure by at most N held-out faces (${LIMITS.reconstructed} reconstructed, ${LIMITS.sampled} sampled)
  --print          say the commands that would train, and do nothing
  --assemble FILE  write the shipped collaborative model as one checkpoint (.ckpt or .safetensors), and do nothing else
  --help           print this`;

/** @param args the command line's @returns null: help was asked for @throws PretrainError for what makes no sense */
export function parseOptions(args: readonly string[]): PretrainOptions | null {
  const options = {
    force: { type: 'string', multiple: true },
    limit: { type: 'string' },
    print: { type: 'boolean' },
    assemble: { type: 'string' },
    help: { type: 'boolean' },
  } as const;
  let given: ReturnType<typeof parseArgs<{ options: typeof options; allowPositionals: true }>>;
  try {
    given = parseArgs({ args: [...args], options, allowPositionals: true });
  } catch (error) {
    throw new PretrainError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  const { values, positionals } = given;
  if (values.help) return null;
  const named = positionals.map((word) => oneOf(STEP_NAMES, word, 'stage'));
  const force = (values.force ?? []).map((word) => oneOf(STAGE_NAMES, word, '--force'));
  const wanted = new Set<StepName>([...named, ...force]);
  const limit = values.limit === undefined ? Number.POSITIVE_INFINITY : Number(values.limit);
  if (values.limit !== undefined && !(Number.isInteger(limit) && limit >= LEAST)) {
    throw new PretrainError(`demo:train: --limit is '${values.limit}', a whole number of at least ${LEAST} was wanted`);
  }
  return {
    steps: STEP_NAMES.filter((name) => wanted.size === 0 || wanted.has(name)),
    force,
    limit,
    print: values.print ?? false,
    assemble: values.assemble ?? null,
  };
}

function oneOf<T extends string>(names: readonly T[], word: string, what: string): T {
  const found = names.find((name) => name === word);
  if (found !== undefined) return found;
  throw new PretrainError(`demo:train: ${what} '${word}' is not known; wanted one of ${names.join(', ')}`);
}
