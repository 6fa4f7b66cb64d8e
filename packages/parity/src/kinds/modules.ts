import { Params, Scope } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, Target, Weights } from '../cases/case-form.js';
import { fromChannelsLast, fromImage, fromTensor, toChannelsLast } from '../cases/layout.js';
import { messageOf } from '../cases/problems.js';
import { buildModule, FUNCTIONS, type Layout, type ModuleEntry } from '../models/module-table.js';
import type { CaseContext } from './kind.js';
import { defineKind, type Outputs } from './kind.js';
import { refuseDropout } from './refuse-dropout.js';

const args = z.array(z.string().nullable());
const moduleEntry = z.strictObject({
  ...Target.shape,
  mode: z.enum(['train', 'eval']),
  args,
  weights: Weights.optional(),
});
const functionEntry = z.strictObject({ function: z.string(), args });

const entry = z.record(z.string(), z.unknown()).transform((raw, ctx) => {
  // Chosen by the field that tells them apart, so that a wrong field is reported against one form only.
  const parsed = ('function' in raw ? functionEntry : moduleEntry).safeParse(raw);
  if (parsed.success) return parsed.data;
  for (const issue of parsed.error.issues) ctx.addIssue({ ...issue });
  return z.NEVER;
});

const fields = z.strictObject({ ...commonFields, modules: z.record(z.string(), entry) });

/** Kind `modules`: single modules and functions, one output an entry. */
export const modules = defineKind('modules', fields, async (config, context) => {
  const outputs: Outputs = new Map();
  // Every entry must be sound, also one whose output is not stored.
  const entries = Object.entries(config.modules).map(([name, described]) => {
    const path = `modules.${name}`;
    const scope = Scope.root();
    const entry = 'function' in described ? functionOf(described.function, path) : moduleOf(described, path, scope);
    checkArguments(described.args, entry, path, context);
    return { name, described, entry, specs: scope.specs };
  });
  for (const { name, described, entry, specs } of entries) {
    if (!context.wants(name)) continue;
    const [params, mode] =
      'function' in described
        ? [new Params(), 'eval' as const]
        : [context.weights(specs, described.weights), described.mode];
    const given = argumentsOf(described.args, entry, context);
    const run = context.call((p: Params, ...values: (tf.Tensor | null)[]) => entry.run(p, values, mode));
    const result = run(params, ...given);
    const read = { image: fromImage, channels: fromChannelsLast, plain: fromTensor }[entry.result];
    outputs.set(name, await read(result));
  }
  return outputs;
});

function functionOf(name: string, path: string): ModuleEntry {
  const entry = FUNCTIONS.get(name);
  if (entry === undefined) throw new Error(`field '${path}.function': unknown function '${name}'`);
  return entry;
}

function moduleOf(described: z.output<typeof moduleEntry>, path: string, scope: Scope): ModuleEntry {
  const { target, params: raw, mode } = described;
  const entry = inField(path, () => buildModule(target, raw, scope));
  if (mode === 'train' && typeof raw.dropout === 'number') refuseDropout(raw.dropout, 'dropout');
  return entry;
}

/** Say in which entry of the case something is wrong. */
function inField<T>(path: string, build: () => T): T {
  try {
    return build();
  } catch (error) {
    throw new Error(`field '${path}': ${messageOf(error)}`);
  }
}

function checkArguments(
  names: readonly (string | null)[],
  { args }: ModuleEntry,
  path: string,
  { inputs }: CaseContext,
): void {
  if (names.length !== args.length) {
    throw new Error(`field '${path}.args': ${names.length} arguments, wanted ${args.length}`);
  }
  if (names[0] === null) throw new Error(`field '${path}.args[0]': null, wanted an input's name`);
  for (const name of names) if (name !== null) inputs.host(name);
}

/** Upload the arguments; null stays null. */
function argumentsOf(
  names: readonly (string | null)[],
  { args }: ModuleEntry,
  { inputs }: CaseContext,
): (tf.Tensor | null)[] {
  const convert: Record<Layout, (name: string) => tf.Tensor> = {
    image: (name) => inputs.image(name),
    plain: (name) => inputs.tensor(name),
    channels: (name) => toChannelsLast(inputs.host(name)),
  };
  return names.map((name, i) => (name === null ? null : convert[args[i]!](name)));
}
