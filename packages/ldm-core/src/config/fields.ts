import { z } from 'zod';

/**
 * A part of a config that names what to build: the original's `{target, params}`, as it stands in the file (snake_case).
 * `target` is an opaque id of a {@link Registry}; it never imports anything.
 */
export interface TargetConfig {
  readonly target: string;
  /** Keyword arguments; none where absent. */
  readonly params?: Readonly<Record<string, unknown>> | undefined;
}

/** What a schema says about a field beyond its type. */
export interface FieldNotes {
  /** Accepted, and changes nothing: why. */
  readonly ignored?: string;
  /** The role that a nested target must fill. */
  readonly role?: string;
  /** The field names another config file. */
  readonly link?: boolean;
}

declare module 'zod' {
  interface GlobalMeta extends FieldNotes {}
}

/** A whole number of at least `min`. */
export const whole = (min: number) => {
  const error = min === 1 ? 'wanted a positive whole number' : `wanted a whole number of at least ${min}`;
  return z.int({ error }).min(min, { error });
};

/** A count or width: a whole number of at least 1. */
export const count = () => whole(1);

/** Any finite number. */
export const number = () => z.number({ error: 'wanted a number' });

/** A probability of dropout, 0 to 1. */
export const probability = () => {
  const error = 'wanted a probability, 0 to 1';
  return z.number({ error }).min(0, { error }).max(1, { error });
};

/** true or false. */
export const flag = () => z.boolean({ error: 'wanted true or false' });

/** A text. */
export const text = () => z.string({ error: 'wanted a text' });

/** One of a closed list of names. */
export const oneOf = <const T extends readonly [string, ...string[]]>(names: T) =>
  z.enum(names, { error: `wanted one of ${names.join(', ')}` });

/** A number of heads or of channels per head; -1 says "not given". */
export const headCount = () => {
  const error = 'wanted a positive whole number, or -1 for "not given"';
  return z.int({ error }).refine((n) => n === -1 || n >= 1, { error });
};

/** A list of positive whole numbers. */
export const counts = () => z.array(count(), { error: 'wanted a list of positive whole numbers' });

/** An argument of which the original survives one value only; `reason` says what every other value does there. */
export const only = <const T extends boolean | number | null>(value: T, reason: string) =>
  z.literal(value, { error: `only ${value} works: ${reason}` });

/** An argument that is accepted and changes nothing. Any value will do. */
export const ignored = (reason: string) => z.unknown().optional().meta({ ignored: reason });

/** A nested `{target, params}` that must fill a role, e.g. `unet`. What it may be is for the registry to say. */
export const target = (role: string): z.ZodType<TargetConfig> =>
  z
    .custom<TargetConfig>((value) => typeof value === 'object' && value !== null && !Array.isArray(value), {
      error: 'wanted a mapping {target, params}',
    })
    .meta({ role });
