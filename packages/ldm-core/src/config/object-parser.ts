import { z } from 'zod';
import { ConfigError, type ConfigProblem } from './config-error.js';
import { type FieldNotes, notesOf, type TargetConfig } from './fields.js';
import { camelize, snakeize, step } from './names.js';
import { rulesOf } from './rules.js';
import { editDistance, nearest } from './suggest.js';
import { type ConfigTree, isTree, show } from './tree.js';

/** What comes up while an object is parsed. */
export interface ParseEvents {
  problem(problem: ConfigProblem): void;
  /** A field that is given and valid: the notes on its schema, and its value as in the file. */
  noted?(notes: FieldNotes, value: unknown, path: string): void;
}

/** An object of a file, parsed as far as it goes. */
export interface Parsed<C> {
  /** The typed config, if nothing at all was reported. */
  readonly config: C | undefined;
  /** The fields that are valid on their own. */
  readonly fields: Partial<C>;
}

/**
 * The arguments of a file as a typed config: snake_case keys become fields, defaults are filled in, and every unknown
 * key, bad value and broken rule is reported, each with its path in the file. Where a schema lets unknown keys pass, those
 * that look like a missing one misspelt are reported all the same.
 */
export function parseObject<S extends z.ZodObject>(
  schema: S,
  raw: ConfigTree,
  path: string,
  events: ParseEvents,
): Parsed<z.output<S>> {
  let problems = 0;
  const problem: ParseEvents['problem'] = (found) => {
    problems++;
    events.problem(found);
  };
  const fields: Record<string, unknown> = {};
  const shape = schema.shape as Record<string, z.ZodType>;
  const keys = Object.keys(shape).map(snakeize);
  const closed = !(schema.def.catchall instanceof z.ZodUnknown);

  for (const [key, value] of Object.entries(raw)) {
    if (keys.includes(key)) continue;
    if (closed || looksMisspelt(key, keys, raw)) problem({ path: step(path, key), ...unknownKey(key, shape, raw) });
    else fields[camelize(key)] = value;
  }
  for (const [field, fieldSchema] of Object.entries(shape)) {
    const key = snakeize(field);
    const value = Object.hasOwn(raw, key) ? raw[key] : undefined;
    const parsed = parseField(fieldSchema, value, step(path, key), { ...events, problem });
    if (parsed !== undefined) fields[field] = parsed.value;
  }
  for (const { needs, check } of rulesOf(schema)) {
    if (!needs.every((field) => field in fields)) continue;
    for (const finding of check(fields)) {
      problem({ path: findingPath(path, finding.path), message: finding.message, suggestion: finding.suggestion });
    }
  }
  return { config: problems === 0 ? (fields as z.output<S>) : undefined, fields: fields as Partial<z.output<S>> };
}

/**
 * {@link parseObject} for one target's arguments alone, parts unread.
 * @throws ConfigError listing every problem
 */
export function parseConfig<S extends z.ZodObject>(schema: S, { params }: TargetConfig, path = ''): z.output<S> {
  const problems: ConfigProblem[] = [];
  const { config } = parseObject(schema, params ?? {}, step(path, 'params'), {
    problem: (found) => problems.push(found),
  });
  if (config === undefined) throw new ConfigError(problems);
  return config;
}

/** The path of a field of a typed config, as the file spells it. */
export function findingPath(path: string, below: readonly PropertyKey[]): string {
  return below.reduce<string>((at, key) => step(at, typeof key === 'number' ? key : snakeize(String(key))), path);
}

function parseField(
  schema: z.ZodType,
  value: unknown,
  path: string,
  events: ParseEvents,
): { value: unknown } | undefined {
  const object = objectIn(schema);
  if (object !== undefined && isTree(value)) {
    const { config } = parseObject(object, value, path, events);
    return config && { value: config };
  }
  const result = schema.safeParse(value);
  if (result.success) {
    if (value !== undefined) events.noted?.(notesOf(schema), value, path);
    return { value: result.data };
  }
  for (const issue of result.error.issues) {
    if (value === undefined) {
      events.problem({
        path,
        message: 'is required',
        suggestion: object === undefined ? issue.message : 'wanted a mapping',
      });
      break;
    }
    if (object !== undefined) {
      const suggestion = `write its keys below it: ${Object.keys(object.shape).map(snakeize).slice(0, 5).join(', ')}, ...`;
      events.problem({ path, message: `wanted a mapping; got ${show(value)}`, suggestion });
      break;
    }
    const got = valueAt(value, issue.path);
    const at = issue.path.reduce<string>((at, key) => step(at, typeof key === 'number' ? key : String(key)), path);
    events.problem({
      path: at,
      message: `${issue.message}; got ${show(got)}`,
      suggestion: instead(issue, got) ?? fallback(schema),
    });
  }
  return undefined;
}

/** The object that a field holds where it is given: through `optional`, `nullable` and `default`. */
function objectIn(schema: unknown): z.ZodObject | undefined {
  let inner = schema;
  while (inner instanceof z.ZodOptional || inner instanceof z.ZodNullable || inner instanceof z.ZodDefault) {
    inner = inner.unwrap();
  }
  return inner instanceof z.ZodObject ? inner : undefined;
}

/** Whether a key that would be ignored is within 2 edits of one that is missing. */
function looksMisspelt(key: string, keys: readonly string[], raw: ConfigTree): boolean {
  const meant = nearest(
    key,
    keys.filter((known) => !Object.hasOwn(raw, known)),
  );
  return meant !== undefined && editDistance(key, meant) <= 2;
}

function unknownKey(
  key: string,
  shape: Readonly<Record<string, z.ZodType>>,
  raw: ConfigTree,
): Pick<ConfigProblem, 'message' | 'suggestion'> {
  const keys = Object.keys(shape)
    .filter((field) => notesOf(shape[field]!).absent === undefined)
    .map(snakeize);
  // Of equally near keys, one that is missing is meant rather than one that is there.
  const isThere = (known: string) => Object.hasOwn(raw, known);
  const meant = nearest(key, [...keys.filter((known) => !isThere(known)), ...keys.filter(isThere)]);
  const known = keys.length > 0 ? `known keys: ${keys.join(', ')}` : 'no keys are known here';
  const guess = `did you mean '${meant}'?`;
  return {
    message: `unknown key '${key}'`,
    suggestion: meant === undefined ? known : isThere(meant) ? `${guess} It is there already: keep one` : guess,
  };
}

/** What would be right, where that can be told from what came. */
function instead(issue: z.core.$ZodIssue, got: unknown): string | undefined {
  if (issue.code === 'invalid_value') {
    const names = issue.values.filter((value): value is string => typeof value === 'string');
    const meant = typeof got === 'string' ? nearest(got, names) : undefined;
    if (meant !== undefined) return `did you mean '${meant}'?`;
    if (issue.values.length === 1) return `set it to ${show(issue.values[0])}, or remove it`;
    return undefined;
  }
  if (typeof got !== 'string' || issue.code !== 'invalid_type') return undefined;
  if (issue.expected === 'boolean' && /^(true|false)$/i.test(got)) return `write ${got.toLowerCase()} without quotes`;
  const isNumber = got.trim() !== '' && Number.isFinite(Number(got));
  return isNumber && (issue.expected === 'number' || issue.expected === 'int')
    ? `write ${got} without quotes`
    : undefined;
}

/** What to do about a value of which it cannot be told what it was meant to be. */
function fallback(schema: z.ZodType): string {
  if (notesOf(schema).absent !== undefined) return 'remove it';
  const byDefault = schema.safeParse(undefined);
  if (!byDefault.success) return 'it has no default, so give one';
  return byDefault.data === undefined ? 'or leave it out' : `or leave it out for ${show(byDefault.data)}`;
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce<unknown>((at, key) => (at as Record<PropertyKey, unknown> | undefined)?.[key], value);
}
