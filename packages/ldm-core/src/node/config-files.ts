import { readFile } from 'node:fs/promises';
import { resolve } from 'node:path';
import { ConfigError, type ConfigProblem } from '../config/config-error.js';
import {
  type ConfigText,
  checkConfig,
  composeConfig,
  missingFiles,
  type ResolvedConfig,
  withFile,
} from '../config/config-file.js';
import type { Registry } from '../config/registry.js';
import { ldmRegistry } from '../config/targets.js';
import type { ConfigTree } from '../config/tree.js';
import { parseYamlFile } from '../config/yaml.js';

/** What {@link loadConfig} may be told. */
export interface LoadConfigOptions {
  /** `a.b=value`, applied last. */
  readonly overrides?: readonly string[];
  /** Every target that the config may name. Default: those of this package. */
  readonly registry?: Registry;
  /** Checks the whole of it. Default: the model, with `data` and `lightning` unread. @throws ConfigError */
  readonly check?: (tree: ConfigTree) => ResolvedConfig;
  /** Folder that relative paths start from, of the config files and of those they name. Default: the working directory. */
  readonly root?: string;
}

/**
 * Reads config files, merges them left to right, applies overrides, reads the config files that the result names, and
 * checks all of it.
 * @throws ConfigError listing every problem, of files that cannot be read too
 */
export async function loadConfig(
  paths: string | readonly string[],
  {
    overrides = [],
    registry = ldmRegistry,
    check = (tree) => checkConfig(tree, registry),
    root = '.',
  }: LoadConfigOptions = {},
): Promise<ResolvedConfig> {
  let tree = composeConfig(await readAll(typeof paths === 'string' ? [paths] : paths, root), overrides);
  for (let missing = missingFiles(tree, registry); missing.length > 0; missing = missingFiles(tree, registry)) {
    for (const { name, text } of await readAll(missing, root)) tree = withFile(tree, name, parseYamlFile(text, name));
  }
  return check(tree);
}

/** @throws ConfigError naming every file that cannot be read */
async function readAll(paths: readonly string[], root: string): Promise<ConfigText[]> {
  const problems: ConfigProblem[] = [];
  const texts: ConfigText[] = [];
  for (const name of paths) {
    const path = resolve(root, name);
    try {
      texts.push({ name, text: await readFile(path, 'utf8') });
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      problems.push({ file: name, path: '', message: `cannot be read: ${reason}`, suggestion: `looked for ${path}` });
    }
  }
  if (problems.length > 0) throw new ConfigError(problems);
  return texts;
}
