import { trainFlags } from './flags.js';

/** Whether a word of the command line is a dotted override, `a.b.c=value`. */
export const isOverride = (word: string): boolean => /^\w+(\.\w+)*=/.test(word);

/** Flags of `codiff train` that may stand without a value. */
const SWITCHES: readonly string[] = [
  'train',
  'no-test',
  'debug',
  'dry-run',
  'scale_lr',
  'strict',
] satisfies readonly (keyof typeof trainFlags)[];

const isSwitch = (word: string): boolean =>
  SWITCHES.some((name) => {
    const alias = (trainFlags as Readonly<Record<string, { readonly alias?: unknown }>>)[name]?.alias;
    return word === `--${name}` || word === `-${String(alias)}` || word === `--${String(alias)}`;
  });

/**
 * The words of a command line in which no override is taken for the value of the flag before it: `-t a.b=1` becomes `-t true
 * a.b=1`. Commands other than `train` have no overrides and stay as they are.
 */
export function explicitSwitches(words: readonly string[]): string[] {
  if (words[0] !== 'train') return [...words];
  return words.flatMap((word, i) => (isSwitch(word) && isOverride(words[i + 1] ?? '') ? [word, 'true'] : [word]));
}
