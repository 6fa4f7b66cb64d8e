import type { CommandModule } from 'yargs';
import { InputError } from '../input-error.js';

/** `codiff report`: the page of a training run, made again from its folder. */
export const reportCommand: CommandModule<object, { run: string; out: string | undefined }> = {
  command: 'report <run>',
  describe: 'write the report page of a training run from its log',
  builder: (yargs) =>
    yargs
      .positional('run', { type: 'string', demandOption: true, describe: 'the folder of a run, or its log.jsonl' })
      .option('out', { type: 'string', describe: 'the file to write', defaultDescription: 'report.html in the folder' })
      .example('$0 report logs/2026-11-22T19-09-52_demo_vae', 'also while the run goes on'),
  handler: async ({ run, out }) => {
    const { TrainError, writeRunReport } = await import('@codiff/trainer');
    try {
      process.stdout.write(`${await writeRunReport(run, out)}\n`);
    } catch (error) {
      throw error instanceof TrainError ? new InputError(error.message) : error;
    }
  },
};
