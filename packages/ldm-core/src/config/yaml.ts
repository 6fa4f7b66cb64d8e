import { CORE_SCHEMA, defineScalarTag, dump, load, mergeTag, NOT_RESOLVED, YAMLException } from 'js-yaml';
import { ConfigError, type ConfigProblem } from './config-error.js';
import { step } from './names.js';
import { type ConfigTree, isTree, show } from './tree.js';

const BOOLEANS = new Map([
  ...['true', 'yes', 'on'].map((word) => [word, true] as const),
  ...['false', 'no', 'off'].map((word) => [word, false] as const),
]);

/** Booleans as the original's loader has them: yes/no and on/off too, in lower, upper or title case, but not y/n. */
const booleanTag = defineScalarTag<boolean>('tag:yaml.org,2002:bool', {
  implicit: true,
  implicitFirstChars: [...'tTfFyYnNoO'],
  resolve: (source) =>
    /^([a-z]+|[A-Z]+|[A-Z][a-z]+)$/.test(source) ? (BOOLEANS.get(source.toLowerCase()) ?? NOT_RESOLVED) : NOT_RESOLVED,
  identify: (value) => typeof value === 'boolean',
});

/** YAML 1.2 core (so `1e-6` is a number and a date is text), with 1.1's booleans and merge keys. */
const schema = CORE_SCHEMA.withTags(booleanTag, mergeTag);

/** Bounds on what a file may ask of the parser; no config comes near them. */
const LIMITS = { maxDepth: 50, maxAliases: 200 };

/** One YAML value, as a command line gives it; empty is null. @throws ConfigError naming `path` */
export function parseYamlValue(text: string, path: string): unknown {
  if (text.trim() === '') return null;
  const value = parse(text, path);
  throwIfAny(unusable(value, path));
  return value;
}

/** A config file's text. @param name of the file, for errors @throws ConfigError with line and column */
export function parseYamlFile(text: string, name: string): ConfigTree {
  const value = text.trim() === '' ? null : parse(text, '', name);
  if (!isTree(value)) {
    throw new ConfigError([
      {
        file: name,
        path: '',
        message: `wanted a mapping, got ${show(value)}`,
        suggestion: 'a config starts with model:',
      },
    ]);
  }
  throwIfAny(unusable(value, '', name));
  return value;
}

/** A config as YAML text; {@link parseYamlFile} gives the same content back. */
export const dumpYaml = (tree: ConfigTree): string => dump(tree, { noRefs: true });

function parse(text: string, path: string, file?: string): unknown {
  try {
    return load(text, { schema, ...LIMITS });
  } catch (error) {
    if (!(error instanceof YAMLException)) throw error;
    const at = error.mark ? `line ${error.mark.line + 1}, column ${error.mark.column + 1}: ` : '';
    const message = `${at}not YAML: ${error.reason}`;
    const suggestion = 'texts with : # [ ] { } stand in quotes, levels are indented by spaces';
    throw new ConfigError([{ ...(file === undefined ? {} : { file }), path, message, suggestion }]);
  }
}

/** What JSON cannot hold (a checkpoint carries its config as JSON), and what the original would read as something else. */
function* unusable(value: unknown, path: string, file?: string): Generator<ConfigProblem> {
  const where = { ...(file === undefined ? {} : { file }), path };
  if (Array.isArray(value)) {
    for (const [i, item] of value.entries()) yield* unusable(item, step(path, i), file);
  } else if (isTree(value)) {
    for (const [key, item] of Object.entries(value)) {
      if (key === '__proto__')
        yield { ...where, message: "'__proto__' is no key of a config", suggestion: 'remove it' };
      yield* unusable(item, step(path, key), file);
    }
  } else if (typeof value === 'number' && !Number.isFinite(value)) {
    yield { ...where, message: `${value} is not finite`, suggestion: 'write a number, or null for "none"' };
  } else if (typeof value === 'string' && value.includes('${')) {
    yield { ...where, message: `interpolation ${show(value)} is not supported`, suggestion: 'write the value itself' };
  }
}

function throwIfAny(problems: Iterable<ConfigProblem>): void {
  const all = [...problems];
  if (all.length > 0) throw new ConfigError(all);
}
