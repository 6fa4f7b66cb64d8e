import type { ParamSpec } from '../nn/scope.js';
import { CheckpointError } from './checkpoint-error.js';
import type { DType } from './dtype.js';
import { isFloating } from './dtype.js';
import { formatGroups } from './key-groups.js';
import type { StoredTensor } from './stored-tensor.js';

/** A key that file and model have with different shapes, or with types that do not convert. */
export interface Misshapen {
  readonly key: string;
  readonly found: { readonly dtype: DType; readonly shape: readonly number[] };
  readonly wanted: { readonly dtype: ParamSpec['dtype']; readonly shape: readonly number[] };
}

/** A model's parameters held against a file's header. Keys are the model's, but for `unexpected` and `dropped`. */
export interface KeyReport {
  readonly file: string;
  /** Keys that can be loaded. */
  readonly matched: readonly string[];
  /** Wanted by the model, not in the file. */
  readonly missing: readonly string[];
  /** In the file, unknown to the model. */
  readonly unexpected: readonly string[];
  readonly misshapen: readonly Misshapen[];
  /** In the file, and named by the caller as not wanted. */
  readonly dropped: readonly string[];
}

/** How a file's keys are to be read. */
export interface MatchOptions {
  /**
   * Prefixes of file keys and what replaces them, first match wins: `[['', 'first_stage_model.']]` puts a VAE's file under
   * a diffusion model's name for it. Keys that match none stay.
   */
  readonly prefixMap?: readonly (readonly [from: string, to: string])[];
  /** File keys that need no place in the model. */
  readonly drop?: readonly RegExp[];
  /** File keys with one of these prefixes count as dropped, whether the model has a place for them or not. */
  readonly ignoreKeys?: readonly string[];
}

/** A report, and for every matched key the tensor that goes there. */
export interface KeyMatch {
  readonly report: KeyReport;
  readonly sources: ReadonlyMap<string, { readonly fileKey: string; readonly tensor: StoredTensor }>;
}

/**
 * Compare declared parameters with a file's header; no value is read.
 * @throws CheckpointError if `prefixMap` sends two file keys to one
 */
export function matchKeys(
  specs: ReadonlyMap<string, ParamSpec>,
  file: string,
  tensors: ReadonlyMap<string, StoredTensor>,
  options: MatchOptions = {},
): KeyMatch {
  const sources = new Map<string, { fileKey: string; tensor: StoredTensor }>();
  const unexpected: string[] = [];
  const dropped: string[] = [];
  const misshapen: Misshapen[] = [];
  const found = new Set<string>();
  for (const [fileKey, tensor] of tensors) {
    if (options.ignoreKeys?.some((prefix) => fileKey.startsWith(prefix))) {
      dropped.push(fileKey);
      continue;
    }
    const key = renamed(fileKey, options.prefixMap ?? []);
    const spec = specs.get(key);
    if (spec === undefined) {
      (options.drop?.some((pattern) => pattern.test(fileKey)) ? dropped : unexpected).push(fileKey);
      continue;
    }
    if (found.has(key)) {
      throw new CheckpointError({
        file,
        key: fileKey,
        problem: `the prefix map sends it to '${key}', which another key already has`,
        advice: 'make the map unambiguous',
      });
    }
    found.add(key);
    const shape = spec.file?.shape ?? spec.shape;
    const convertible = spec.dtype === 'float32' ? isFloating(tensor.dtype) : !isFloating(tensor.dtype);
    const sameShape = shape.length === tensor.shape.length && shape.every((size, axis) => size === tensor.shape[axis]);
    if (sameShape && convertible) sources.set(key, { fileKey, tensor });
    else {
      const { dtype } = tensor;
      misshapen.push({ key, found: { dtype, shape: tensor.shape }, wanted: { dtype: spec.dtype, shape } });
    }
  }
  const missing = [...specs.keys()].filter((key) => !found.has(key));
  return { report: { file, matched: [...sources.keys()], missing, unexpected, misshapen, dropped }, sources };
}

function renamed(key: string, map: readonly (readonly [string, string])[]): string {
  const rule = map.find(([from]) => key.startsWith(from));
  return rule === undefined ? key : rule[1] + key.slice(rule[0].length);
}

/** The report in words, one line each of missing, unexpected, misshapen and dropped keys that there are. */
export function formatKeyReport(report: KeyReport): string {
  const { matched, missing, unexpected, misshapen, dropped } = report;
  const lines = [`${matched.length} keys match`];
  if (missing.length > 0) lines.push(`${missing.length} missing from the file: ${formatGroups(missing)}`);
  if (unexpected.length > 0) lines.push(`${unexpected.length} unknown to the model: ${formatGroups(unexpected)}`);
  if (misshapen.length > 0) {
    const shown = misshapen.slice(0, 5).map(({ key, found, wanted }) => {
      const types =
        wanted.dtype === 'float32' && isFloating(found.dtype) ? ['', ''] : [`${found.dtype} `, `${wanted.dtype} `];
      return `${key} is ${types[0]}[${found.shape}], wanted ${types[1]}[${wanted.shape}]`;
    });
    const keys = formatGroups(misshapen.map(({ key }) => key));
    const rest = misshapen.length > shown.length ? ', ...' : '';
    lines.push(`${misshapen.length} of another shape: ${keys}: ${shown.join('; ')}${rest}`);
  }
  if (dropped.length > 0) lines.push(`${dropped.length} dropped on purpose: ${formatGroups(dropped)}`);
  return lines.join('\n');
}

/** A file that holds another model than the one wanted. */
export class CheckpointMismatch extends CheckpointError {
  constructor(readonly report: KeyReport) {
    super({
      file: report.file,
      problem: `the weights are not those of this model\n${formatKeyReport(report)}\n`,
      advice: 'give the config this file was trained with, or the file of this config',
    });
    const key = report.misshapen[0]?.key ?? report.missing[0] ?? report.unexpected[0];
    if (key !== undefined) Object.assign(this, { key });
  }
}
