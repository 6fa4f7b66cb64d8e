import { createHash } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Checkpoint,
  float32Values,
  PickleDict,
  PickleTuple,
  type PickleValue,
  StoredTensor,
} from '@codiff/ldm-core';
import { openCheckpointFile } from '@codiff/ldm-core/node';
import { z } from 'zod';
import { describeProblems } from '../cases/problems.js';
import type { OutputResult } from '../run/run-case.js';
import type { DataCheck } from './data-check.js';
import { same, sameNames } from './lines.js';

const TensorFacts = z.strictObject({
  shape: z.array(z.number()),
  dtype: z.string(),
  sum: z.number(),
  first: z.number().nullable(),
  /** Of the contiguous little-endian bytes. */
  sha256: z.string(),
});
const Facts = z.record(z.string(), TensorFacts);
type Facts = z.output<typeof Facts>;

/** Shape of a tensor, and the sum of its elements. */
const Moment = z.tuple([z.array(z.number()), z.number()]);

const Manifest = z.strictObject({
  config: z.unknown(),
  tiny: Facts,
  odd: Facts,
  tiny_scalars: z.record(z.string(), z.number()),
  optimizer_param_groups: z.array(z.record(z.string(), z.unknown())),
  optimizer_state_0: z.record(z.string(), Moment),
  optimizer_state_entries: z.number(),
  notes: z.array(z.string()),
});
type Manifest = z.output<typeof Manifest>;

/** `manifest.json`: checkpoints of both PyTorch formats with the hash of every tensor in them. */
export const checkpoints: DataCheck = {
  name: 'checkpoint',
  file: 'manifest.json',
  check: async (folder) => {
    const path = join(folder, 'manifest.json');
    const parsed = Manifest.safeParse(JSON.parse(readFileSync(path, 'utf8')));
    if (!parsed.success) throw new Error(describeProblems(parsed.error, path));
    const manifest = parsed.data;
    // The legacy file holds the diffusion model and the bare schedule arrays only.
    const isInLegacy = (key: string) => key.startsWith('model.') || !key.includes('.');
    const legacy = Object.fromEntries(Object.entries(manifest.tiny).filter(([key]) => isInLegacy(key)));
    return [
      ...(await inFile(folder, 'tiny.ckpt', async (file) => [
        ...(await compareTensors(file, manifest.tiny)),
        ...(await compareTraining(file, manifest)),
      ])),
      ...(await inFile(folder, 'tiny_legacy.ckpt', (file) => compareTensors(file, legacy))),
      ...(await inFile(folder, 'odd.ckpt', (file) => compareTensors(file, manifest.odd))),
      ...(await inFile(folder, 'odd_legacy.ckpt', (file) => compareTensors(file, manifest.odd))),
    ];
  },
};

/** Lines about one file, each under the file's name. A file that is missing or cannot be read is a line too. */
async function inFile(
  folder: string,
  name: string,
  compareFile: (file: Checkpoint) => Promise<OutputResult[]>,
): Promise<OutputResult[]> {
  const path = join(folder, name);
  if (!existsSync(path)) return [same(`${name}`, 'no such file', 'a checkpoint')];
  const file = await openCheckpointFile(path);
  try {
    return (await compareFile(file)).map((line) => ({ ...line, output: `${name} ${line.output}` }));
  } finally {
    await file.close();
  }
}

async function compareTensors(file: Checkpoint, facts: Facts): Promise<OutputResult[]> {
  const lines = [sameNames('keys', file.tensors.keys(), Object.keys(facts))];
  for (const [key, { shape, dtype, sha256 }] of Object.entries(facts)) {
    const stored = file.tensors.get(key);
    if (stored === undefined) continue;
    const hash = createHash('sha256').update(await file.readBytes(key));
    lines.push(same(key, [stored.dtype, stored.shape, hash.digest('hex')], [dtype, shape, sha256]));
  }
  return lines;
}

/** What a checkpoint of a training run holds besides weights. */
async function compareTraining(file: Checkpoint, manifest: Manifest): Promise<OutputResult[]> {
  const lines: OutputResult[] = [];
  for (const [name, value] of Object.entries(manifest.tiny_scalars)) lines.push(same(name, at(file.root, name), value));
  const [optimizer] = listOf(at(file.root, 'optimizer_states'));
  const groups = listOf(at(optimizer, 'param_groups')).map((group) => {
    const { params, ...facts } = Object.fromEntries(entriesOf(group).map(([name, value]) => [name, plain(value)]));
    return { ...facts, n_params: Array.isArray(params) ? params.length : 0 };
  });
  lines.push(same('optimizer param_groups', groups, manifest.optimizer_param_groups));
  const state = at(optimizer, 'state');
  lines.push(same('optimizer state entries', entriesOf(state).length, manifest.optimizer_state_entries));
  const first = state instanceof PickleDict ? state.entries.get(0) : undefined;
  for (const [name, [shape, wanted]] of Object.entries(manifest.optimizer_state_0)) {
    const tensor = at(first, name);
    if (!(tensor instanceof StoredTensor)) {
      lines.push(same(`optimizer state 0 ${name}`, null, shape));
      continue;
    }
    const values = float32Values(tensor.dtype, await file.readBytes(tensor));
    const sum = values.reduce((total, value) => total + value, 0);
    lines.push(same(`optimizer state 0 ${name}`, [tensor.shape, sum], [shape, wanted]));
  }
  return lines;
}

function at(value: PickleValue | undefined, key: string): PickleValue | undefined {
  return value instanceof PickleDict ? value.get(key) : undefined;
}

function entriesOf(value: PickleValue | undefined): [PickleValue, PickleValue][] {
  return value instanceof PickleDict ? [...value.entries] : [];
}

function listOf(value: PickleValue | undefined): readonly PickleValue[] {
  return Array.isArray(value) ? value : value instanceof PickleTuple ? value.items : [];
}

/** A value as JSON has it. */
function plain(value: PickleValue): unknown {
  return Array.isArray(value) || value instanceof PickleTuple ? listOf(value).map(plain) : value;
}
