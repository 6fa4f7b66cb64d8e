import type { CommandModule } from 'yargs';
import { addedFlags, freeUFlags, originalFlags } from '../generate/flags/common.js';
import { type Flag, type Given, yesNo } from '../generate/flags/values.js';
import { handle } from '../generate/handle.js';
import type { CommandDefaults } from '../generate/request.js';

/** A command that makes images from one condition. */
export interface SingleModality {
  /** What the original's script does where flags say nothing. */
  readonly defaults: CommandDefaults;
  readonly describe: string;
  /** Flags that the other command has not. */
  readonly flags: Readonly<Record<string, Flag<unknown>>>;
  /** Arguments of example calls, with a word on each. */
  readonly examples: readonly (readonly [args: string, what: string])[];
}

const sharedFlags = (defaults: CommandDefaults) => ({
  ...originalFlags(defaults),
  return_influence_function: yesNo('return_influence_function', { describe: 'accepted; there is one modality only' }),
  ...freeUFlags,
  ...addedFlags,
  seed: { ...addedFlags.seed, defaultDescription: "drawn, and told; the original's is 2 with FreeU" },
});

/** `text2image` or `mask2image`: both have the original's common flags, those of FreeU, and ours. */
export function singleModalityCommand({
  defaults,
  describe,
  flags,
  examples,
}: SingleModality): CommandModule<object, Given<ReturnType<typeof sharedFlags>>> {
  return {
    command: defaults.command,
    describe,
    builder: (yargs) => {
      for (const [args, what] of examples) yargs.example(`$0 ${defaults.command} ${args}`, what);
      yargs.options(flags);
      return yargs.options(sharedFlags(defaults));
    },
    handler: (given) => handle(defaults, given),
  };
}
