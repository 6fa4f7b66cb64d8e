import type { CommandModule } from 'yargs';
import type { Given } from '../generate/flags/values.js';
import { PASSED_FLAGS, TRAINER_FLAGS, trainFlags } from '../train/flags.js';
import { isOverride } from '../train/overrides.js';
import { UsageError } from '../usage-error.js';

type TrainFlags = Given<typeof trainFlags> & { base?: string[] | undefined; overrides?: string[] | undefined };

/** `codiff train`: main.py of the original. */
export const trainCommand: CommandModule<object, TrainFlags> = {
  command: 'train [overrides..]',
  describe: 'train a model from configs, or go on with a run',
  builder: (yargs) => {
    yargs.options(PASSED_FLAGS);
    return (
      yargs
        .positional('overrides', { type: 'string', array: true, describe: 'a.b.c=value, merged last into the config' })
        .option('base', { alias: 'b', type: 'string', array: true, describe: 'config files, merged left to right' })
        // --no-test is a flag of its own, not the opposite of one.
        .parserConfiguration({ 'boolean-negation': false })
        .options(trainFlags)
        .example('$0 train -b configs/512_text.yaml -t --gpus 0,', 'on the first GPU')
        .example('$0 train -b configs/demo_vae.yaml -t model.base_learning_rate=1e-4', 'on the CPU, a value changed')
        .example('$0 train -t --resume logs/2026-11-22T19-09-52_demo_vae', 'go on')
    );
  },
  handler: async (flags) => {
    const { resume, seed, name = '', postfix = '', logdir = 'logs' } = flags;
    // `--base a.yaml model.params.x=1`: to the parser, the list of files has not ended.
    const base = (flags.base ?? []).filter((word) => !isOverride(word));
    const overrides = [...(flags.base ?? []).filter(isOverride), ...(flags.overrides ?? [])];
    if (resume !== undefined && name !== '') throw new UsageError('--name and --resume exclude each other');
    const trainer = TRAINER_FLAGS.flatMap((flag) =>
      flags[flag] === undefined ? [] : [`lightning.trainer.${flag}=${flags[flag]}`],
    );
    const given: Readonly<Record<string, unknown>> = flags;
    const passed = Object.keys(PASSED_FLAGS).flatMap((flag) =>
      given[flag] === undefined ? [] : [`lightning.trainer.${flag}=${String(given[flag])}`],
    );
    // The engine is loaded only now: --help and wrong flags need none of it.
    const { runTraining } = await import('../train/run.js');
    await runTraining({
      base,
      overrides: [...overrides, ...passed, ...trainer],
      name,
      postfix,
      logdir,
      resume: resume === '' ? undefined : resume,
      seed: seed ?? null,
      scaleLr: flags.scale_lr ?? true,
      gpus: flags.gpus,
      workers: flags.workers,
      maxSeconds: flags.max_time,
      saveEvery: flags.save_every ?? 500,
      strict: flags.strict ?? false,
      train: flags.train ?? false,
      test: !(flags['no-test'] ?? false),
      debug: flags.debug ?? false,
      dryRun: flags['dry-run'] ?? false,
      print: (line) => process.stdout.write(`${line}\n`),
    });
  },
};
