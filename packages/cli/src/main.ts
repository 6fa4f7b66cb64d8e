import { CheckpointError, ConfigError } from '@codiff/ldm-core';
import yargs from 'yargs';
import { hideBin } from 'yargs/helpers';
import { checkpointCommand } from './commands/checkpoint.js';
import { UsageError } from './usage-error.js';

/** The `codiff` command: each command is a module of `commands/`. */
const program = yargs(hideBin(process.argv))
  .scriptName('codiff')
  .command(checkpointCommand)
  .demandCommand(1, 'name a command')
  .strict()
  // bin/codiff.mjs answers it before this program starts.
  .epilogue('codiff doctor says what this machine has and lacks; it works before anything is built.')
  .help()
  .fail((message, error) => {
    throw error ?? new UsageError(message);
  });

try {
  await program.parseAsync();
} catch (error) {
  process.stderr.write(`codiff: ${explain(error)}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}

/** Errors about the user's files and flags explain themselves; a stack is for our own mistakes. */
function explain(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof UsageError) return `${error.message} (--help shows what there is)`;
  const own = error instanceof CheckpointError || error instanceof ConfigError || 'syscall' in error;
  return own ? error.message : (error.stack ?? error.message);
}
