import type { Options } from 'yargs';
import { UsageError } from '../../usage-error.js';

/** A flag of a command, as yargs takes it; `coerce` gives the value its type. */
export type Flag<T> = Options & { readonly coerce: (given: unknown) => T | undefined };

/** The values of a set of flags: undefined where a flag is not given. */
export type Given<F> = { readonly [K in keyof F]: F[K] extends Flag<infer T> ? T | undefined : never };

interface Described {
  readonly describe: string;
  /** What is used where the flag is not given, for `--help`. */
  readonly defaultDescription?: string | undefined;
  readonly hidden?: boolean;
}

const NO = /^(0|f|n|false|no|off)$/i;
const YES = /^(1|t|y|true|yes|on|)$/i;

/**
 * A flag that is on or off: `--save_z`, `--save_z 1`, `--save_z no`, `--no-save_z`. The original takes any text for true (quirk
 * 1); here a text that says neither is an error.
 */
export const yesNo = (name: string, described: Described): Flag<boolean> =>
  flag(name, described, (text) => {
    if (NO.test(text)) return false;
    if (YES.test(text)) return true;
    throw new UsageError(`--${name} is '${text}'; wanted 1, true, yes or on, or 0, false, no or off`);
  });

/** A flag with a text. */
export const text = (name: string, described: Described): Flag<string> => flag(name, described, (value) => value);

/** A flag that is one of several words. */
export const oneOf = <T extends string>(name: string, words: readonly T[], described: Described): Flag<T> =>
  flag(name, { ...described, describe: `${described.describe}: ${words.join(', ')}` }, (value) => {
    const word = words.find((each) => each === value);
    if (word !== undefined) return word;
    throw new UsageError(`--${name} is '${value}'; wanted ${words.slice(0, -1).join(', ')} or ${words.at(-1)}`);
  });

/** A flag with a number. */
export const decimal = (name: string, described: Described): Flag<number> =>
  flag(name, described, (value) => {
    const number = Number(value);
    if (value.trim() !== '' && Number.isFinite(number)) return number;
    throw new UsageError(`--${name} is '${value}'; wanted a number`);
  });

/** A flag with a whole number of a range. */
export const whole = (name: string, [least, most]: readonly [number, number], described: Described): Flag<number> =>
  flag(name, described, (value) => {
    const number = Number(value);
    if (value.trim() !== '' && Number.isInteger(number) && number >= least && number <= most) return number;
    throw new UsageError(`--${name} is '${value}'; wanted a whole number from ${least} to ${most}`);
  });

function flag<T>(name: string, described: Described, parse: (text: string) => T): Flag<T> {
  return {
    ...described,
    type: 'string',
    requiresArg: false,
    ...(name.includes('_') ? { alias: name.replaceAll('_', '-') } : {}),
    coerce: (given: unknown) => {
      if (given === undefined) return undefined;
      // Of a flag that is given several times the last counts, as in the original.
      return parse(String(Array.isArray(given) ? given.at(-1) : given));
    },
  };
}
