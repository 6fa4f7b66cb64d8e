import type { CommandModule } from 'yargs';

interface PlanFlags {
  base: string[];
  batch: number | undefined;
  precision: 'float32' | 'bfloat16' | 'float16';
  recompute: boolean | undefined;
  optimizer: boolean;
  ema: boolean | undefined;
  device: string | undefined;
  threads: number | undefined;
  steps: number;
  samples: number | undefined;
  measure: boolean;
  json: boolean;
}

/** `codiff plan`: what a config would take, without weights. */
export const planCommand: CommandModule<object, PlanFlags> = {
  command: 'plan',
  describe: 'predict parameters, memory and time of training and generation from the speed of this device',
  builder: (yargs) =>
    yargs
      .option('base', {
        alias: 'b',
        type: 'string',
        array: true,
        demandOption: true,
        describe: 'config files, merged left to right',
      })
      .option('batch', {
        type: 'number',
        describe: "images at once; default: the config's for training, 1 for generation",
      })
      .option('precision', { choices: ['float32', 'bfloat16', 'float16'] as const, default: 'float32' as const })
      .option('recompute', { type: 'boolean', describe: 'recompute activations; default: as the config says' })
      .option('optimizer', { type: 'boolean', default: true, describe: 'with AdamW; else loss and gradients' })
      .option('ema', { type: 'boolean', describe: 'with averages of the weights; default: as the config says' })
      .option('device', { type: 'string', describe: "'cpu', 'gpu' or 'gpu:<n>'" })
      .option('threads', { type: 'number', describe: 'threads; default: all cores' })
      .option('steps', { type: 'number', default: 50, describe: 'sampling steps' })
      .option('samples', { type: 'number', describe: "images of an epoch; default: those of the config's data" })
      .option('measure', { type: 'boolean', default: false, describe: 'measure the device again (ten seconds)' })
      .option('json', { type: 'boolean', default: false, describe: 'everything as JSON' })
      .example(
        '$0 plan --base configs/512_text.yaml --batch 2 --precision bfloat16',
        'before a single weight is there',
      ),
  handler: async ({ json, ...flags }) => {
    const [{ makePlan }, { formatPlan }] = await Promise.all([
      import('../plan/make-plan.js'),
      import('../plan/format-plan.js'),
    ]);
    const plan = await makePlan({ ...flags, note: (line) => process.stderr.write(`${line}\n`) });
    process.stdout.write(json ? `${JSON.stringify(plan, null, 2)}\n` : `${formatPlan(plan).join('\n')}\n`);
  },
};
