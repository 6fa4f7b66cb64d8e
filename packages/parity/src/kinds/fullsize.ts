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
  for (const [moduleName, target] of Object.entries(config.modules)) {
    const calls = Object.entries(config.calls).filter(
      ([name, { module }]) => module === moduleName && context.wants(name),
    );
    if (calls.length === 0) continue;
    let module: FullsizeModule;
    try {
      module = buildFullsizeModule({ ...target, files: {} });
    } catch (error) {
      throw new Error(`field 'modules.${moduleName}': ${messageOf(error)}`);
    }
    const params = context.weights(module.specs);
    // One function for all calls of a method: compiled, it is traced anew only for other shapes.
    const running = new Map<string, (p: Params, ...args: tf.Tensor[]) => tf.Tensor>();
    for (const [name, call] of calls) {
      const method = methodOf(module, call, name);
      const run = running.get(call.method) ?? context.call((p: Params, ...args: tf.Tensor[]) => method.run(p, args));
      running.set(call.method, run);
      const result = run(params, ...argumentsOf(method, call, name, context));
      outputs.set(name, reduced(await readAny(result), call.reduce));
      result.dispose();
    }
    params.dispose();
  }
  return outputs;
});

function methodOf({ methods }: FullsizeModule, { method }: CallEntry, name: string): FullsizeMethod {
  const found = Object.hasOwn(methods, method) ? methods[method] : undefined;
  if (found !== undefined) return found;
  throw new Error(
    `field 'calls.${name}.method': unknown method '${method}'; known here: ${Object.keys(methods).join(', ')}`,
  );
}

function argumentsOf(method: FullsizeMethod, call: CallEntry, name: string, { inputs }: CaseContext): tf.Tensor[] {
  const { arguments: forms } = method;
  for (const argument of Object.keys(call.inputs)) {
    if (!Object.hasOwn(forms, argument))
      throw new Error(`field 'calls.${name}.inputs': unknown argument '${argument}'`);
  }
  return Object.entries(forms).map(([argument, form]) => {
    const input = call.inputs[argument];
    if (input === undefined) throw new Error(`field 'calls.${name}.inputs': the argument '${argument}' is missing`);
    return read(inputs, input, form, call.enlarge);
  });
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
