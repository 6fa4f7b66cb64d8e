import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { SHIPPED } from '../pretrain/stage-table.js';

/** What `npm run demo` is asked for. */
export interface DemoOptions {
  readonly mode: 'full' | 'quick' | 'pretrained';
  /** Folder of everything that the demo makes. */
  readonly out: string;
  /** Throw away what is there, and begin anew. */
  readonly force: boolean;
  /** Put the numbers and the picture into the README. */
  readonly write: boolean;
  /** Faces that are drawn, held-out ones included. */
  readonly faces: number;
  /** Faces that no model is trained on. */
  readonly heldOut: number;
  /** Folder of the four configs. */
  readonly configs: string;
  /** A full run as it is meant: it is held to the limits. */
  readonly standard: boolean;
  /** Optimizer steps of each stage; null: what mode and configs say. */
  readonly steps: number | null;
}

/** Held-out faces for which the limits are stated. */
const HELD_OUT = 200;
/** Fewer say nothing about a model. */
const LEAST_HELD_OUT = 16;
/** A batch of the largest of the four configs. */
const LEAST_TRAINED = 16;
/**
 * Faces drawn where nothing is trained, by another seed than the training's. Images are made of the last: a man in his sixties
 * with a long pointed beard.
 */
const PRETRAINED_FACES = 15;

export const USAGE = `npm run demo [-- options]

Draws faces, trains the four models of configs/demo_*.yaml on them, measures them on held-out faces, makes images from a
held-out mask and text together, and writes a report. Stopped, it goes on where it was.

  --quick       fewer steps of the same: shows that everything works, not what it can do
  --out DIR     where everything goes (outputs/demo, outputs/demo-quick or outputs/demo-pretrained)
  --force       throw away what is there and begin anew
  --write       put this run's numbers and picture into README.md
  --faces N     faces to draw (2200; with --quick 600)
  --held-out N  how many of them are held out (${HELD_OUT})
  --steps N     optimizer steps of each stage
  --configs DIR folder of the four demo_*.yaml (configs); with it or one of the three above, no limit is checked
  --pretrained  train nothing: make the images with the weights that ship with the repository, in pretrained/demo
  --help        print this`;

/** A flag that makes no sense. */
export class DemoUsageError extends Error {}

/** @param args the command line's @param root the repository @returns null: help was asked for */
export function parseOptions(args: readonly string[], root: string): DemoOptions | null {
  const flag = { type: 'boolean' } as const;
  const text = { type: 'string' } as const;
  const options = {
    quick: flag,
    force: flag,
    write: flag,
    pretrained: flag,
    help: flag,
    out: text,
    faces: text,
    steps: text,
    configs: text,
    'held-out': text,
  } as const;
  let values: ReturnType<typeof parseArgs<{ options: typeof options }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...args], options }));
  } catch (error) {
    throw new DemoUsageError(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
  }
  if (values.help) return null;
  const given = (['quick', 'write', 'faces', 'held-out', 'steps', 'configs'] as const).find(
    (name) => values[name] !== undefined,
  );
  if (values.pretrained && given !== undefined) {
    throw new DemoUsageError(`demo: --pretrained trains nothing, so --${given} has no meaning; leave it out`);
  }
  if (values.pretrained) {
    return {
      mode: 'pretrained',
      out: resolve(root, values.out ?? 'outputs/demo-pretrained'),
      force: values.force ?? false,
      write: false,
      faces: PRETRAINED_FACES,
      heldOut: PRETRAINED_FACES,
      configs: resolve(root, SHIPPED),
      steps: null,
      standard: false,
    };
  }
  const mode = values.quick ? 'quick' : 'full';
  const heldOut = whole('held-out', values['held-out'], LEAST_HELD_OUT) ?? HELD_OUT;
  const faces = whole('faces', values.faces, heldOut + LEAST_TRAINED) ?? (mode === 'quick' ? 600 : 2200);
  const steps = whole('steps', values.steps, 1);
  const changed = (['faces', 'held-out', 'steps', 'configs'] as const).filter((name) => values[name] !== undefined);
  const standard = mode === 'full' && changed.length === 0;
  if (values.write && !standard) {
    throw new DemoUsageError(
      `demo: --write takes the numbers of a full run; leave out --${mode === 'quick' ? 'quick' : changed[0]}`,
    );
  }
  const configs = resolve(root, values.configs ?? 'configs');
  const out = resolve(root, values.out ?? `outputs/demo${mode === 'quick' ? '-quick' : ''}`);
  return {
    mode,
    out,
    force: values.force ?? false,
    write: values.write ?? false,
    faces,
    heldOut,
    configs,
    steps,
    standard,
  };
}

function whole(name: string, given: string | undefined, least: number): number | null {
  if (given === undefined) return null;
  const value = Number(given);
  if (Number.isInteger(value) && value >= least) return value;
  throw new DemoUsageError(`demo: --${name} is '${given}', a whole number of at least ${least} was wanted`);
}
