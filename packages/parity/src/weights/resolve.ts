import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { formulaValues, fromFile, initialValues, type ParamSpec, Params } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { Weights } from '../cases/case-form.js';
import { type HostTensor, invertPermutation, permute } from '../cases/host-tensor.js';
import { matchesPattern } from '../cases/pattern.js';
import { readSafetensorsFile } from '../cases/safetensors-file.js';

/** What decides a model's values: the case's `weights`, the folder its paths start from, and the check it carries. */
export interface WeightSource {
  readonly weights: Weights;
  readonly folder: string;
  /** Name -> shape of the parameters that the formula fills; compared if given. */
  readonly keys?: Readonly<Record<string, readonly number[]>> | undefined;
}

/**
 * The values of every parameter and buffer of a model, by the four rules of the fixtures' README: files, then what
 * `keep` leaves to the constructor, then the first formula that matches; buffers that no file holds have the
 * constructor's value.
 *
 * @param specs what the model declares
 * @returns tensors in memory layout, one for every spec
 * @throws Error naming each key without a value, of another shape, or that a file holds and the model lacks
 */
export function resolveWeights(specs: ReadonlyMap<string, ParamSpec>, source: WeightSource): Params {
  const { files = [], formula = [], keep = [] } = source.weights;
  const stored = readFiles(source.folder, files);
  const unexpected = [...stored.keys()].filter((key) => !specs.has(key));
  if (unexpected.length > 0) throw new Error(`weights.files hold keys that the model has not: ${list(unexpected)}`);
  const onlyConstructor = files.length === 0 && formula.length === 0;

  const plans: [ParamSpec, () => tf.Tensor][] = [];
  const filled = new Map<string, readonly number[]>();
  const problems: string[] = [];
  for (const spec of specs.values()) {
    const file = stored.get(spec.key);
    const shape = fileShape(spec);
    const rule = formula.find(({ match }) => matchesPattern(match, spec.key));
    if (file !== undefined) {
      if (file.shape.join() !== shape.join()) {
        problems.push(`'${spec.key}' has shape [${file.shape}] in the file, the model wants [${shape}]`);
      } else {
        plans.push([spec, () => upload(spec, toMemory(spec, file))]);
      }
    } else if (spec.init.kind === 'copy') {
      // Filled from what it copies, below.
    } else if (spec.kind === 'buffer' || onlyConstructor || keep.some((pattern) => matchesPattern(pattern, spec.key))) {
      plans.push([spec, () => upload(spec, constructed(spec))]);
    } else if (rule !== undefined) {
      filled.set(spec.key, shape);
      const { salt, strip_prefix: prefix } = rule;
      const name = salt + (spec.key.startsWith(prefix) ? spec.key.slice(prefix.length) : spec.key);
      plans.push([spec, () => upload(spec, fromFile(spec, formulaValues(name, shape)))]);
    } else {
      problems.push(`'${spec.key}' has no value: no file holds it, and no pattern of keep or formula matches`);
    }
  }
  if (source.keys !== undefined) problems.push(...compareKeys(filled, source.keys));
  if (problems.length > 0) throw new Error(`weights: ${list(problems)}`);
  const params = new Params(plans.map(([spec, value]) => [spec.key, value()]));
  // A moving average starts as the weights themselves.
  for (const { key, init } of specs.values()) {
    if (init.kind === 'copy' && !params.has(key)) params.set(key, tf.clone(params.of(init.of)));
  }
  return params;
}

/** A tensor of the model in the original's layout, as the fixtures store gradients and weights. */
export async function toFileLayout(spec: ParamSpec, tensor: tf.Tensor): Promise<HostTensor> {
  const values = await tensor.data();
  const shape = fileShape(spec);
  if (spec.file?.perm === undefined) return { shape, values };
  return permute({ shape: tensor.shape, values }, invertPermutation(spec.file.perm));
}

/** The shape that the original gives a parameter. */
export function fileShape(spec: ParamSpec): readonly number[] {
  return spec.file?.shape ?? spec.shape;
}

function toMemory(spec: ParamSpec, file: HostTensor): HostTensor['values'] {
  return spec.file?.perm === undefined ? file.values : permute(file, spec.file.perm).values;
}

function upload(spec: ParamSpec, values: HostTensor['values']): tf.Tensor {
  const typed = spec.dtype === 'int32' ? Int32Array.from(values) : asFloat32(values);
  return tf.tensor(typed, [...spec.shape], spec.dtype);
}

function asFloat32(values: HostTensor['values']): Float32Array {
  return values instanceof Float32Array ? values : Float32Array.from(values);
}

/**
 * What the original's constructor leaves in a tensor. Where that is random, a parameter must get its value from the case;
 * the one random buffer there is (the autoencoder's colours for logs) takes part in no output, so any draw will do.
 */
function constructed(spec: ParamSpec): HostTensor['values'] {
  const isRandom = spec.init.kind === 'uniform' || spec.init.kind === 'normal';
  if (isRandom && spec.kind === 'parameter') {
    throw new Error(`weights: the constructor draws '${spec.key}' at random, so the case has to give it a value`);
  }
  return initialValues(spec, 0);
}

function readFiles(folder: string, files: readonly string[]): Map<string, HostTensor> {
  const stored = new Map<string, HostTensor>();
  for (const file of files) {
    const path = resolve(folder, file);
    if (!existsSync(path)) throw new Error(`field 'weights.files': '${file}' names no file (looked for ${path})`);
    for (const [key, tensor] of readSafetensorsFile(path)) stored.set(key, tensor);
  }
  return stored;
}

function* compareKeys(
  filled: ReadonlyMap<string, readonly number[]>,
  keys: Readonly<Record<string, readonly number[]>>,
): Iterable<string> {
  for (const [key, shape] of Object.entries(keys)) {
    const ours = filled.get(key);
    if (ours === undefined) yield `field 'keys' lists '${key}', which the formula does not fill here`;
    else if (ours.join() !== shape.join()) yield `'${key}' has shape [${ours}], field 'keys' says [${shape}]`;
  }
  for (const key of filled.keys()) {
    if (!Object.hasOwn(keys, key)) yield `the formula fills '${key}', which field 'keys' does not list`;
  }
}

function list(items: readonly string[]): string {
  const shown = items.slice(0, 8).join('; ');
  return items.length > 8 ? `${shown}; and ${items.length - 8} more` : shown;
}
