import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { checkpointCommand } from './commands/checkpoint.js';
import { datasetCommand } from './commands/dataset.js';
import { editCommand } from './commands/edit.js';
import { evaluateCommand } from './commands/evaluate.js';
import { generateCommand } from './commands/generate.js';
import { mask2imageCommand } from './commands/mask2image.js';
import { planCommand } from './commands/plan.js';
import { reportCommand } from './commands/report.js';
import { text2imageCommand } from './commands/text2image.js';
import { trainCommand } from './commands/train.js';
import { Interrupted } from './interrupted.js';
import { endWithStarter } from './starter.js';
import { explicitSwitches } from './train/overrides.js';
import { isAboutInput, UsageError } from './usage-error.js';

/** Errors that explain themselves, by name: their classes would load the engine and the trainer for every command. */
const EXPLAINED: readonly string[] = ['EngineError', 'RunFailure'];

endWithStarter();

/** The `codiff` command: each command is a module of `commands/`. */
const program = yargs(explicitSwitches(hideBin(process.argv)))
  .scriptName('codiff')
  .command(generateCommand)
  .command(text2imageCommand)
  .command(mask2imageCommand)
  .command(editCommand)
  .command(trainCommand)
  .command(evaluateCommand)
  .command(planCommand)
  .command(reportCommand)
  .command(checkpointCommand)
  .command(datasetCommand)
  .demandCommand(1, 'name a command')
  .strict()
  // bin/codiff.mjs answers it before this program starts.
  .epilogue('codiff doctor says what this machine has and lacks; it works before anything is built.')
  .help()
  .fail((message, error) => {
    // What a flag's own check throws comes wrapped.
    throw error === undefined || error.name === 'YError' ? new UsageError(error?.message ?? message) : error;
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`codiff: ${explain(error)}\n`);
  process.exitCode = exitCode(error);
}

/** 2: the user can mend it; 130: Ctrl-C; 1: anything else. */
function exitCode(error: unknown): number {
  if (error instanceof Interrupted) return 130;
  return isAboutInput(error) ? 2 : 1;
}

/** Errors about the user's files and flags explain themselves; a stack is for our own mistakes. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UsageError) return `${error.message} (--help shows what there is)`;
  const explains =
    isAboutInput(error) || error instanceof Interrupted || 'syscall' in error || EXPLAINED.includes(error.name);
  return explains ? error.message : (error.stack ?? error.message);
}
