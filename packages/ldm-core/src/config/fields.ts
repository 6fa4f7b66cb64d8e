import { z } from 'zod';
import { type ConfigTree, isTree } from './tree.js';

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
  /** Refused, whatever the value: why. */
  readonly absent?: string;
  /** The value is a `{target, params}` that must fill this role. */
  readonly role?: string;
  /** What may stand beside `target` and `params`. */
  readonly beside?: z.ZodObject;
  /** The value names another config file, whose model must fill this role. */
  readonly link?: string;
}

const notesBySchema = new WeakMap<object, FieldNotes>();

/** The schema itself, with notes. */
export function note<S extends z.ZodType>(schema: S, notes: FieldNotes): S {
  notesBySchema.set(schema, notes);
  return schema;
}

/** The notes on a schema; none by default. */
export const notesOf = (schema: z.ZodType): FieldNotes => notesBySchema.get(schema) ?? {};

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

/** A number from 0 to 1. */
export const fraction = () => {
  const error = 'wanted a number from 0 to 1';
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
export const only = <const T extends boolean | number | string | null>(value: T, reason: string) =>
  z.literal(value, { error: `only ${value} works: ${reason}` });

/** An argument that related targets have and this one refuses; `reason` says why. */
export const absent = (reason: string) =>
  note(z.undefined({ error: `must not be given: ${reason}` }).optional(), { absent: reason });

/** An argument that is accepted and changes nothing. Any value will do. */
export const ignored = (reason: string) => note(z.unknown().optional(), { ignored: reason });

/**
 * A nested `{target, params}` that must fill a role, e.g. `unet`. Which targets do is for the registry to say.
 * @param beside what else the mapping may hold
 */
export const target = (role: string, beside?: z.ZodObject) =>
  note(
    z.custom<TargetConfig>((value) => isTree(value), { error: 'wanted a mapping {target, params}' }),
    beside === undefined ? { role } : { role, beside },
  );

/** The name of another config file, whose model must fill a role. */
export const link = (role: string) => note(text(), { link: role });

/** Whether a value has the form of a `{target, params}`. */
export const isTargetConfig = (value: unknown): value is TargetConfig =>
  isTree(value) && typeof value.target === 'string' && (value.params === undefined || isTree(value.params));

/** A mapping of which nothing more is known here. */
export const anyMapping = () => z.custom<ConfigTree>((value) => isTree(value), { error: 'wanted a mapping' });
