import type { Params } from '@codiff/ldm-core';
import type * as tf from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { commonFields, Target } from '../cases/case-form.js';
import type { HostTensor } from '../cases/host-tensor.js';
import { Inputs } from '../cases/inputs.js';
import { messageOf } from '../cases/problems.js';
import { enlarged, meanStd, strided } from '../cases/reduce.js';
import {
  type ArgumentForm,
  buildFullsizeModule,
  type FullsizeMethod,
  type FullsizeModule,
} from '../models/fullsize-table.js';
import { readAny } from './activations.js';
import { type CaseContext, defineKind, type Outputs } from './kind.js';

const callEntry = z.strictObject({
  module: z.string(),
  method: z.string(),
  inputs: z.record(z.string(), z.string()),
  enlarge: z.number().int().positive().optional(),
  reduce: z
    .string()
    .regex(/^(mean_std|stride[1-9][0-9]*)$/, 'wanted stride<n> or mean_std')
    .optional(),
});
type CallEntry = z.output<typeof callEntry>;

const fields = z.strictObject({
  ...commonFields,
  modules: z.record(z.string(), Target),
  calls: z.record(z.string(), callEntry),
});

/** Kind `fullsize`: models of any size, one after the other, so that memory holds the weights of one. */
export const fullsize = defineKind('fullsize', fields, async (config, context) => {
  const outputs: Outputs = new Map();
  for (const [name, { module }] of Object.entries(config.calls)) {
    if (!Object.hasOwn(config.modules, module)) throw new Error(`field 'calls.${name}.module': no module '${module}'`);
  }
  // Every module and call must be sound, also where the output is not stored. Structure alone takes no memory.
  const modules = Object.entries(config.modules).map(([moduleName, target]) => {
    const module = buildIn(moduleName, target);
    const calls = Object.entries(config.calls).filter(([, call]) => call.module === moduleName);
    for (const [name, call] of calls) checkCall(methodOf(module, call, name), call, name, context);
    return { module, calls: calls.filter(([name]) => context.wants(name)) };
  });
  for (const { module, calls } of modules) {
    if (calls.length === 0) continue;
    const params = context.weights(module.specs);
    // One function for all calls of a method: compiled, it is traced anew only for other shapes.
    const running = new Map<string, (p: Params, ...args: tf.Tensor[]) => tf.Tensor>();
    for (const [name, call] of calls) {
      const method = methodOf(module, call, name);
      const run = running.get(call.method) ?? context.call((p: Params, ...args: tf.Tensor[]) => method.run(p, args));
      running.set(call.method, run);
      const result = run(params, ...argumentsOf(method, call, context));
      outputs.set(name, reduced(await readAny(result), call.reduce));
      result.dispose();
    }
    params.dispose();
  }
  return outputs;
});

function buildIn(moduleName: string, target: Target): FullsizeModule {
  try {
    return buildFullsizeModule({ ...target, files: {} });
  } catch (error) {
    throw new Error(`field 'modules.${moduleName}': ${messageOf(error)}`);
  }
}

function methodOf({ methods }: FullsizeModule, { method }: CallEntry, name: string): FullsizeMethod {
  const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (found !== undefined) return found;
  throw new Error(
    `field 'calls.${name}.method': unknown method '${method}'; known here: ${Object.keys(methods).join(', ')}`,
  );
}

function checkCall({ arguments: forms }: FullsizeMethod, call: CallEntry, name: string, { inputs }: CaseContext): void {
  for (const [argument, input] of Object.entries(call.inputs)) {
    if (!Object.hasOwn(forms, argument))
      throw new Error(`field 'calls.${name}.inputs': unknown argument '${argument}'`);
    inputs.host(input);
  }
  for (const argument of Object.keys(forms)) {
    if (!Object.hasOwn(call.inputs, argument))
      throw new Error(`field 'calls.${name}.inputs': the argument '${argument}' is missing`);
  }
}

/** Read the arguments of a sound call. */
function argumentsOf({ arguments: forms }: FullsizeMethod, call: CallEntry, { inputs }: CaseContext): tf.Tensor[] {
  return Object.entries(forms).map(([argument, form]) => read(inputs, call.inputs[argument]!, form, call.enlarge));
}

function read(inputs: Inputs, input: string, form: ArgumentForm, factor: number | undefined): tf.Tensor {
  const source = factor === undefined ? inputs : new Inputs(new Map([[input, enlarged(inputs.host(input), factor)]]));
  const readers: Record<ArgumentForm, () => tf.Tensor> = {
    image: () => source.image(input),
    steps: () => source.steps(input),
    ids: () => source.ids(input),
    plain: () => source.tensor(input),
  };
  return readers[form]();
}

function reduced(result: HostTensor, reduce: string | undefined): HostTensor {
  if (reduce === undefined) return result;
  return reduce === 'mean_std' ? meanStd(result) : strided(result, Number(reduce.slice('stride'.length)));
}
