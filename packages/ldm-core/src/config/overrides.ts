import { ConfigError, type ConfigProblem } from './config-error.js';
import { type ConfigTree, isTree, mergeTrees } from './tree.js';
import { parseYamlValue } from './yaml.js';

/** One `a.b[0]=value` of a command line, taken apart. */
export interface Override {
  readonly keys: readonly (string | number)[];
  readonly value: unknown;
  /** As it was given. */
  readonly text: string;
}

/** Dotted keys, then `=`, then anything. */
const DOTTED = /^([^\s.[\]=]+(?:\[\d+\])*(?:\.[^\s.[\]=]+(?:\[\d+\])*)*)=([\s\S]*)$/;

/**
 * Takes `a.b=value` apart. The value is YAML, empty is null; a part in digits counts as an index where a list stands
 * (`a.0` and `a[0]` mean the same).
 * @throws ConfigError if it has no such form
 */
export function parseOverride(text: string): Override {
  const match = DOTTED.exec(text);
  if (match === null) {
    const message = `'${text}' is not an override`;
    throw new ConfigError([{ path: '', message, suggestion: 'write a.b=value, with [0] for the first of a list' }]);
  }
  const [, path, value] = match;
  const keys = path!.split(/[.[\]]+/).filter((part) => part !== '');
  return { keys, value: parseYamlValue(value!, path!), text };
}

/**
 * The config with overrides applied, left to right. Keys that are not there are created (validation judges them); a
 * mapping merges into the mapping it meets, anything else replaces what it meets.
 * @throws ConfigError listing every malformed override and every index beyond the end of a list
 */
export function applyOverrides(tree: ConfigTree, overrides: readonly string[]): ConfigTree {
  const problems: ConfigProblem[] = [];
  let result = tree;
  for (const text of overrides) {
    try {
      const { keys, value } = parseOverride(text);
      result = put(result, keys, value, text) as ConfigTree;
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return result;
}

function put(node: unknown, keys: readonly (string | number)[], value: unknown, text: string): unknown {
  const [key, ...rest] = keys;
  if (key === undefined) return isTree(node) && isTree(value) ? mergeTrees(node, value) : value;
  if (Array.isArray(node)) {
    const index = Number(key);
    if (!Number.isInteger(index) || index < 0 || index >= node.length) {
      const message = `'${text}': [${key}] is not in a list of ${node.length}`;
      const suggestion =
        node.length > 0 ? `use 0 to ${node.length - 1}, or give the whole list` : 'give the whole list';
      throw new ConfigError([{ path: '', message, suggestion }]);
    }
    return node.with(index, put(node[index], rest, value, text));
  }
  if (key === '__proto__') {
    throw new ConfigError([{ path: '', message: `'${text}': '__proto__' is no key of a config` }]);
  }
  const before = isTree(node) ? node : {};
  return { ...before, [key]: put(before[key], rest, value, text) };
}
