import { decimal, type Flag, text, whole, yesNo } from '../generate/flags/values.js';
import { UsageError } from '../usage-error.js';
import { PASSED_TRAINER_OPTIONS } from './passed-options.js';

const LARGEST = 2 ** 31 - 1;

/** Flags of main.py, and the added ones. */
export const trainFlags = {
  name: {
    ...text('name', { describe: "name of the run folder, instead of the config's; not with --resume" }),
    alias: 'n',
  },
  resume: {
    ...text('resume', { describe: 'a run folder, or a checkpoint of one: go on there' }),
    alias: 'r',
  },
  train: { ...yesNo('train', { describe: 'train; without it only the test runs' }), alias: 't' },
  'no-test': yesNo('no-test', { describe: 'leave out the test at the end, where the config has a test set' }),
  debug: {
    ...yesNo('debug', { describe: 'wait for a debugger where training fails; move the run to debug_runs afterwards' }),
    alias: 'd',
  },
  'dry-run': yesNo('dry-run', { describe: 'take two steps, print what training would take, and write nothing' }),
  project: { ...text('project', { describe: 'accepted, never used' }), alias: 'p' },
  seed: {
    ...whole('seed', [-LARGEST, LARGEST], { describe: 'of every random number', defaultDescription: '23' }),
    alias: 's',
  },
  postfix: { ...text('postfix', { describe: "appended to the run's name" }), alias: 'f' },
  logdir: { ...text('logdir', { describe: 'parent of run folders', defaultDescription: 'logs' }), alias: 'l' },
  scale_lr: yesNo('scale_lr', {
    describe: 'learning rate = accumulated batches * devices * batch size * base rate',
    defaultDescription: 'true',
  }),
  gpus: text('gpus', {
    describe: 'devices to train on, a process on each: ids (0,1), a number (2), or -1 for all',
    defaultDescription: 'the CPU',
  }),
  workers: whole('workers', [1, 64], { describe: 'processes on the CPU', defaultDescription: '1' }),
  max_epochs: whole('max_epochs', [1, LARGEST], { describe: 'stop after so many', defaultDescription: '1000' }),
  max_steps: whole('max_steps', [1, LARGEST], { describe: 'stop after so many optimizer steps' }),
  max_time: time('max_time', 'stop after so many seconds, or [[DD:]HH:]MM:SS'),
  accumulate_grad_batches: whole('accumulate_grad_batches', [1, LARGEST], { describe: 'batches of one step' }),
  gradient_clip_val: decimal('gradient_clip_val', { describe: 'limit of the norm of all gradients' }),
  precision: text('precision', {
    describe: 'what steps compute in: 32 or bfloat16; weights stay float32',
    defaultDescription: '32',
  }),
  check_val_every_n_epoch: whole('check_val_every_n_epoch', [1, LARGEST], { describe: 'epochs between validations' }),
  num_sanity_val_steps: whole('num_sanity_val_steps', [-1, LARGEST], {
    describe: 'validation batches tried before the first step; -1: all',
    defaultDescription: '2',
  }),
  limit_train_batches: decimal('limit_train_batches', {
    describe: 'batches of an epoch: a number above 1, or a share up to 1 (1: all)',
  }),
  limit_val_batches: decimal('limit_val_batches', { describe: 'validation batches, likewise' }),
  log_every_n_steps: whole('log_every_n_steps', [1, LARGEST], {
    describe: 'steps between logged values',
    defaultDescription: '50',
  }),
  save_every: whole('save_every', [1, LARGEST], {
    describe: 'steps between writings of last.ckpt within an epoch',
    defaultDescription: '500',
  }),
  strict: yesNo('strict', { describe: 'stop at a sample that cannot be read, instead of leaving it out' }),
};

/** Those that are options of the original's trainer, in the config under `lightning.trainer`. */
export const TRAINER_FLAGS = [
  'max_epochs',
  'max_steps',
  'accumulate_grad_batches',
  'gradient_clip_val',
  'log_every_n_steps',
  'gpus',
  'precision',
  'check_val_every_n_epoch',
  'num_sanity_val_steps',
  'limit_train_batches',
  'limit_val_batches',
] as const satisfies readonly (keyof typeof trainFlags)[];

/** Options of the original's trainer that change nothing here: accepted, and named when the run starts. */
export const PASSED_FLAGS: Readonly<Record<string, Flag<string>>> = Object.fromEntries(
  PASSED_TRAINER_OPTIONS.filter((name) => !(name in trainFlags)).map((name) => [
    name,
    text(name, { describe: "accepted, an option of the original's trainer", hidden: true }),
  ]),
);

function time(name: string, describe: string): Flag<number> {
  return {
    ...text(name, { describe }),
    coerce: (given) => {
      if (given === undefined) return undefined;
      const parts = String(given).split(':');
      const units = [1, 60, 3600, 86400];
      if (parts.length <= units.length && parts.every((part) => /^\d+(\.\d+)?$/.test(part))) {
        return parts.reverse().reduce((sum, part, i) => sum + Number(part) * units[i]!, 0);
      }
      throw new UsageError(`--${name} is '${String(given)}'; wanted seconds, or [[DD:]HH:]MM:SS`);
    },
  };
}
