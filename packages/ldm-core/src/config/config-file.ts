import { z } from 'zod';
import { type ParamSpec, Scope, type StartingPoint } from '../nn/scope.js';
import { ConfigError, type ConfigProblem } from './config-error.js';
import type { TargetConfig } from './fields.js';
import { anyMapping, target } from './fields.js';
import { applyOverrides } from './overrides.js';
import { BESIDE_MODEL, type Registry } from './registry.js';
import type { Role } from './target.js';
import { type ConfigTree, mergeTrees } from './tree.js';
import { parseYamlFile } from './yaml.js';

/** A config file that is read already. */
export interface ConfigText {
  /** Its path, for errors. */
  readonly name: string;
  readonly text: string;
}

/** What a config file holds at its top, by field. A package that trains replaces `data` and `lightning` by its own. */
export const configFileFields = {
  model: target('model', BESIDE_MODEL),
  /** Read by the trainer, which checks it. */
  data: anyMapping().optional(),
  /** Read by the trainer, which checks it. */
  lightning: anyMapping().optional(),
  /** Contents of the config files that the model names, by that name, so that one file holds all. */
  modelFiles: z.record(z.string(), anyMapping(), { error: 'wanted a mapping of file name to config' }).optional(),
};

/** A whole config file, of which this package reads the model. */
export const ConfigFile = z.strictObject(configFileFields);

/**
 * A config that passed: plain JSON data, keys as in the file. It is what a checkpoint carries, and with `model_files` it
 * needs no other file.
 */
export interface ResolvedConfig extends ConfigTree {
  readonly model: TargetConfig & { readonly base_learning_rate?: number };
  readonly data?: ConfigTree;
  readonly lightning?: ConfigTree;
  readonly model_files?: Readonly<Record<string, ConfigTree>>;
}

/**
 * Several config files as one, left to right (mappings merge, lists and values replace), then `a.b=value` overrides.
 * Nothing is checked yet but the YAML.
 * @throws ConfigError listing what is wrong with every file and every override
 */
export function composeConfig(files: readonly ConfigText[], overrides: readonly string[] = []): ConfigTree {
  const problems: ConfigProblem[] = [];
  const attempt = (tree: ConfigTree, next: (tree: ConfigTree) => ConfigTree): ConfigTree => {
    try {
      return next(tree);
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error;
      problems.push(...error.problems);
      return tree;
    }
  };
  let tree: ConfigTree = {};
  for (const { name, text } of files) tree = attempt(tree, (before) => mergeTrees(before, parseYamlFile(text, name)));
  tree = attempt(tree, (before) => applyOverrides(before, overrides));
  if (problems.length > 0) throw new ConfigError(problems);
  return tree;
}

/**
 * Checks a whole config against a registry.
 * @param schema of the file: {@link ConfigFile}, or the trainer's
 * @throws ConfigError listing every problem of the config and of the files it names
 */
export function checkConfig(tree: ConfigTree, registry: Registry, schema: z.ZodObject = ConfigFile): ResolvedConfig {
  const problems = registry.problemsOf(schema, tree, '', { files: modelFiles(tree) });
  if (problems.length > 0) throw new ConfigError(problems);
  return tree as ResolvedConfig;
}

/**
 * Builds the model of a checked config: its structure, everything it stores, and the checkpoints that training starts from
 * (`ckpt_path`). Takes no memory and reads nothing.
 * @param role what it is wanted as, e.g. `roles.latentDiffusion`
 * @throws ConfigError if the model does not fill the role
 */
export function buildModel<T>(
  config: ResolvedConfig,
  role: Role<T>,
  registry: Registry,
): {
  readonly model: T;
  readonly specs: ReadonlyMap<string, ParamSpec>;
  readonly startingPoints: readonly StartingPoint[];
} {
  const scope = Scope.root();
  const model = registry.build(config.model, role, scope, { files: modelFiles(config) });
  return { model, specs: scope.specs, startingPoints: scope.startingPoints };
}

/** The names of config files that a config refers to and does not hold. */
export function missingFiles(tree: ConfigTree, registry: Registry): string[] {
  const held = modelFiles(tree);
  return registry.linksOf(ConfigFile, tree).filter((name) => !Object.hasOwn(held, name));
}

/** The config with the contents of a file that it refers to. */
export const withFile = (tree: ConfigTree, name: string, content: ConfigTree): ConfigTree => ({
  ...tree,
  model_files: { ...modelFiles(tree), [name]: content },
});

function modelFiles(tree: ConfigTree): Readonly<Record<string, unknown>> {
  const { model_files } = tree;
  return typeof model_files === 'object' && model_files !== null ? (model_files as Record<string, unknown>) : {};
}
