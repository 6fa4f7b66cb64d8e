import type { Argv, CommandModule } from 'yargs';
import { type EvaluateFlags, type EvaluateTrainFlags, evaluateFlags, trainFlags } from '../evaluate/flags.js';

const NETWORKS = ['parser', 'classifier'] as const;

const train: CommandModule<object, EvaluateTrainFlags & { network: readonly (typeof NETWORKS)[number][] | undefined }> =
  {
    command: 'train [network..]',
    describe: 'train the networks that judge drawn faces, and measure them on held-out drawings',
    builder: (yargs) =>
      yargs
        .positional('network', { choices: NETWORKS, array: true, describe: 'which; both by default' })
        .options(trainFlags),
    handler: async ({ network, ...flags }) => {
      const { trainNetworks } = await import('../evaluate/train.js');
      await trainNetworks(network === undefined || network.length === 0 ? NETWORKS : network, flags);
    },
  };

/** `codiff evaluate`: the paper's measurements of images or of a model. */
export const evaluateCommand: CommandModule<object, EvaluateFlags> = {
  command: 'evaluate',
  describe: 'measure images, or a model: masks and texts followed, Frechet and kernel distance, diversity, identity',
  builder: (yargs: Argv) =>
    yargs
      .command(train)
      .options(evaluateFlags)
      .example('$0 evaluate --images outputs/faces --reference dataset/demo/image/image_64', '')
      .example(
        '$0 evaluate --config_path pretrained/demo/mask.yaml --ckpt_path pretrained/demo/mask.safetensors --protocol both',
        '',
      )
      .example('$0 evaluate train', 'the parser and the classifier of drawings, into pretrained/evaluators'),
  handler: async (flags) => {
    const [{ evaluate }, { tableText }] = await Promise.all([
      import('../evaluate/run.js'),
      import('../evaluate/table.js'),
    ]);
    const result = await evaluate(flags);
    if (flags.json) process.stdout.write(`${JSON.stringify(result, null, 1)}\n`);
    else process.stdout.write(`${tableText(result.rows)}\n`);
    if (!flags.json && !flags.quiet)
      for (const warning of result.warnings) process.stderr.write(`warning: ${warning}\n`);
  },
};
