import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { load } from 'js-yaml';
import { ModelFiles, Target } from './case-form.js';
import type { HostTensor } from './host-tensor.js';
import { describeProblems, messageOf } from './problems.js';
import { readSafetensorsFile } from './safetensors-file.js';

/** The direct subfolders of a folder of cases, in name order, split by whether they hold a `config.yaml`. */
export interface CaseFolder {
  /** Paths of the folders that are cases. */
  readonly cases: readonly string[];
  /** Paths of the folders that are not. */
  readonly others: readonly string[];
}

/** Look at a folder of cases. @throws Error if it is not there or not a folder */
export function listCases(folder: string): CaseFolder {
  if (!existsSync(folder) || !statSync(folder).isDirectory()) throw new Error(`${folder}: no such folder`);
  const subfolders = readdirSync(folder)
    .sort()
    .map((name) => join(folder, name))
    // A link that leads nowhere is no folder, and no reason to stop.
    .filter((path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false);
  const isCase = (path: string): boolean => existsSync(join(path, 'config.yaml'));
  return { cases: subfolders.filter(isCase), others: subfolders.filter((path) => !isCase(path)) };
}

/** A case as read, before its kind has looked at the fields. */
export interface CaseFile {
  /** The folder's name: what the report calls the case. */
  readonly name: string;
  readonly folder: string;
  /** `config.yaml`, parsed: an object, nothing else is known of it. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly inputs: ReadonlyMap<string, HostTensor>;
  readonly outputs: ReadonlyMap<string, HostTensor>;
}

/** Read one case. @throws Error naming the file, if one is broken, or if the case has no output */
export function readCase(folder: string): CaseFile {
  const inputs = join(folder, 'inputs.safetensors');
  const outputsPath = join(folder, 'outputs.safetensors');
  if (!existsSync(outputsPath)) throw new Error(`${outputsPath}: no such file; a case without outputs proves nothing`);
  const outputs = readSafetensorsFile(outputsPath);
  if (outputs.size === 0) throw new Error(`${outputsPath}: holds no tensor; a case without outputs proves nothing`);
  return {
    name: basename(folder),
    folder,
    config: readConfig(join(folder, 'config.yaml')),
    inputs: existsSync(inputs) ? readSafetensorsFile(inputs) : new Map(),
    outputs,
  };
}

/** Parse a YAML file that must hold an object. */
export function readConfig(path: string): Record<string, unknown> {
  let config: unknown;
  try {
    config = load(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new Error(`${path}: ${messageOf(error)}`);
  }
  if (typeof config !== 'object' || config === null || Array.isArray(config)) {
    throw new Error(`${path}: wanted an object, found ${Array.isArray(config) ? 'a list' : typeof config}`);
  }
  return config as Record<string, unknown>;
}

/** A model with the files that its parameters name. */
export interface CaseModel {
  readonly target: string;
  readonly params: Readonly<Record<string, unknown>>;
  readonly files: ModelFiles;
}

/**
 * The model of a case: its own, or, where `model` is a path (relative to the case's folder), that of the named
 * `config.yaml` with the `model_files` that stand there. Weights are never borrowed.
 */
export function resolveModel(folder: string, model: Target | string, files: ModelFiles = {}): CaseModel {
  const visited = new Set<string>();
  let home = folder;
  let found: unknown = model;
  let foundFiles: unknown = files;
  while (typeof found === 'string') {
    const path = resolve(home, found);
    if (visited.has(path)) throw new Error(`field 'model': ${path} refers to itself`);
    visited.add(path);
    if (!existsSync(path)) throw new Error(`field 'model': '${found}' names no file (looked for ${path})`);
    const config = readConfig(path);
    if (config.model === undefined) throw new Error(`field 'model': ${path} has no model to borrow`);
    found = config.model;
    foundFiles = config.model_files ?? {};
    home = dirname(path);
  }
  const target = Target.safeParse(found);
  if (!target.success) throw new Error(describeProblems(target.error, `model of ${home}`));
  const modelFiles = ModelFiles.safeParse(foundFiles);
  if (!modelFiles.success) throw new Error(describeProblems(modelFiles.error, `model_files of ${home}`));
  return { ...target.data, files: modelFiles.data };
}
