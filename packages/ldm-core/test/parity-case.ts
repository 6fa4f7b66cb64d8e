/** Reads the parity fixtures for this package's own tests; the complete runner is packages/parity. */
import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import * as tf from '@tensorflow/tfjs-core';
import { load } from 'js-yaml';
import { expect } from 'vitest';
import { camelize } from '../src/config/names.js';
import { fromFile } from '../src/nn/file-layout.js';
import { initialValues } from '../src/nn/init.js';
import { Params } from '../src/nn/params.js';
import type { ParamSpec } from '../src/nn/scope.js';

/** A tensor as a file has it: NCHW, row-major. */
export interface HostTensor {
  readonly shape: readonly number[];
  readonly dtype: 'float32' | 'int32';
  readonly values: Float32Array | Int32Array;
}

/** A fixture's path. */
export function fixture(path: string): string {
  return fileURLToPath(new URL(`../../parity/fixtures/${path}`, import.meta.url));
}

/** A fixture of JSON. */
export function readJson<T>(path: string): T {
  return JSON.parse(readFileSync(fixture(path), 'utf8')) as T;
}

type Tree = Record<string, unknown>;

/** A case's `config.yaml`, keys as in the file. */
export function readConfig<Config extends object = Tree>(name: string): Config {
  return load(readFileSync(fixture(`${name}/config.yaml`), 'utf8')) as Config;
}

/** Keyword arguments of a target in camelCase, nested mappings too. */
export function camelized(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(camelized);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [camelize(key), camelized(item)]));
}

/** `model.params` of a case, in camelCase. */
export function modelParams(name: string): Tree {
  return camelized((readConfig(name).model as Tree).params) as Tree;
}

/** One of a case's safetensors files; empty if it is not there. */
export function readTensors(path: string): Map<string, HostTensor> {
  if (!existsSync(fixture(path))) return new Map();
  const bytes = readFileSync(fixture(path));
  const start = 8 + Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, start).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  const tensors = new Map<string, HostTensor>();
  for (const [name, { dtype, shape, data_offsets }] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const raw = bytes.subarray(start + data_offsets[0], start + data_offsets[1]);
    const buffer = raw.buffer.slice(raw.byteOffset, raw.byteOffset + raw.byteLength);
    if (dtype === 'F32') tensors.set(name, { shape, dtype: 'float32', values: new Float32Array(buffer) });
    else if (dtype === 'I64') {
      tensors.set(name, { shape, dtype: 'int32', values: Int32Array.from(new BigInt64Array(buffer), Number) });
    } else throw new Error(`${path}: ${name} is ${dtype}`);
  }
  return tensors;
}

/** As a tensor, with the file's axes. */
export function upload<R extends tf.Rank>({ shape, dtype, values }: HostTensor): tf.Tensor<R> {
  return tf.tensor(values, [...shape] as tf.ShapeMap[R], dtype);
}

/** An image or feature map, NCHW in the file. @returns [B,H,W,C] */
export function uploadImage(host: HostTensor): tf.Tensor4D {
  return tf.transpose(upload<tf.Rank.R4>(host), [0, 2, 3, 1]);
}

/** Weights of a model: from `files` where they hold the key, else by fixtures/FORMULA.md, buffers as the model declares. */
export function weightsOf(
  specs: ReadonlyMap<string, ParamSpec>,
  files: ReadonlyMap<string, HostTensor> = new Map(),
  { salt = '', strip = '' }: { readonly salt?: string; readonly strip?: string } = {},
): Params {
  const params = new Params();
  for (const [key, spec] of specs) {
    const file = files.get(key);
    const shape = [...(spec.file?.shape ?? spec.shape)];
    if (file) expect([key, file.shape]).toEqual([key, shape]);
    const name = key.startsWith(strip) ? key.slice(strip.length) : key;
    const values = file
      ? fromFile(spec, file.values)
      : spec.kind === 'buffer'
        ? initialValues(spec, 0)
        : fromFile(spec, formula(salt + name, shape));
    params.set(key, tf.tensor(values, [...spec.shape], spec.dtype));
  }
  return params;
}

/** max|y - ref| <= limit max|ref|, as the runner's `max_rel`; 4-D tensors of ours are NHWC, unless `axes` says otherwise. */
export function expectMaxRel(y: tf.Tensor, ref: HostTensor, limit: number, axes: 'image' | 'file' = 'image'): void {
  const same = y.rank === 4 && axes === 'image' ? tf.transpose(y, [0, 3, 1, 2]) : y;
  expect(same.shape).toEqual([...ref.shape]);
  const values = same.dataSync();
  let worst = 0;
  let scale = 0;
  ref.values.forEach((wanted, i) => {
    const error = Math.abs(values[i]! - wanted);
    worst = Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(worst, error);
    scale = Math.max(scale, Math.abs(wanted));
  });
  expect(worst).toBeLessThanOrEqual(limit * (scale || 1));
}

function formula(key: string, shape: readonly number[]): Float32Array {
  const size = shape.reduce((a, b) => a * b, 1);
  const fan = shape.slice(1).reduce((a, b) => a * b, 1);
  let hash = 0x811c9dc5;
  for (const byte of new TextEncoder().encode(key)) hash = Math.imul(hash ^ byte, 0x01000193);
  return Float32Array.from({ length: size }, (_, i) => {
    if (shape.length === 0) return 0;
    let x = (Math.imul(i, 0x9e3779b1) + hash) | 0;
    x = Math.imul(x ^ (x >>> 16), 0x85ebca6b);
    x = Math.imul(x ^ (x >>> 13), 0xc2b2ae35);
    const v = (((x ^ (x >>> 16)) >>> 0) / 2 ** 32) * 2 - 1;
    if (shape.length >= 2) return v * Math.sqrt(3 / fan);
    return key.endsWith('.weight') ? 1 + 0.1 * v : 0.1 * v;
  });
}

/** Our specs as a file lists them: [key, shape] in order of declaration. */
export function fileShapes(specs: ReadonlyMap<string, ParamSpec>): [string, readonly number[]][] {
  return [...specs.values()].map(({ key, shape, file }) => [key, file?.shape ?? shape]);
}
