import { readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { codiffRegistry, specsOf } from '@codiff/codiff';
import type { ParamSpec } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { z } from 'zod';
import { sizeOf } from '../cases/host-tensor.js';
import { describeProblems } from '../cases/problems.js';
import type { OutputResult } from '../run/run-case.js';
import { fileShape } from '../weights/resolve.js';
import type { DataCheck } from './data-check.js';
import { same, sameNames } from './lines.js';

/** The repository: configs are named from its root. */
const ROOT = fileURLToPath(new URL('../../../..', import.meta.url));

const Shapes = z.record(z.string(), z.array(z.number().int().min(0)));
const Counts = z.looseObject({ tensors: z.number(), elements: z.number(), parameters: z.number() });
const Listing = z.strictObject({
  config: z.string(),
  summary: Counts,
  non_float32: z.record(z.string(), z.string()),
  state_dict: Shapes,
});

/** A listing of the averages that a config's model stores with `use_ema: true`. */
const EMA_SUFFIX = '.model_ema_if_enabled';

/** `<config>.json`: every key and shape of the full-size models; `summary.json` counts them. */
export const stateDictKeys: DataCheck = {
  name: 'state_dict_keys',
  file: 'summary.json',
  check: async (folder) => {
    const names = readdirSync(folder).flatMap((file) => (file.endsWith('.json') ? [basename(file, '.json')] : []));
    const summary = read(z.record(z.string(), Counts), join(folder, 'summary.json'));
    const listed = names.filter((name) => name !== 'summary' && !name.endsWith(EMA_SUFFIX)).sort();
    const lines = [sameNames('configs', listed, Object.keys(summary))];
    for (const name of names.sort()) {
      const path = join(folder, `${name}.json`);
      if (name.endsWith(EMA_SUFFIX)) lines.push(...(await compareAverages(name, read(Shapes, path))));
      else if (name !== 'summary') lines.push(...(await compareModel(name, read(Listing, path), summary[name])));
    }
    return lines;
  },
};

async function compareModel(
  name: string,
  { config, summary, non_float32, state_dict }: z.output<typeof Listing>,
  counts: z.output<typeof Counts> | undefined,
): Promise<OutputResult[]> {
  const specs = await declared(config);
  const all = [...specs.values()];
  const elements = (list: readonly ParamSpec[]) => list.reduce((sum, { shape }) => sum + sizeOf(shape), 0);
  const ours = {
    tensors: all.length,
    elements: elements(all),
    parameters: elements(all.filter(({ kind }) => kind === 'parameter')),
  };
  const wanted = ({ tensors, elements, parameters }: z.output<typeof Counts>) => ({ tensors, elements, parameters });
  const integers = all.filter(({ dtype }) => dtype === 'int32').map(({ key }) => key);
  return [
    ...compareShapes(name, specs, state_dict),
    sameNames(`${name} integers`, integers, Object.keys(non_float32)),
    same(`${name} counts`, ours, wanted(summary)),
    same(`${name} counts in summary.json`, ours, counts && wanted(counts)),
  ];
}

async function compareAverages(name: string, shapes: z.output<typeof Shapes>): Promise<OutputResult[]> {
  const specs = await declared(name.slice(0, -EMA_SUFFIX.length), ['model.params.use_ema=true']);
  const averages = new Map([...specs].filter(([key]) => key.startsWith('model_ema.')));
  return compareShapes(name, averages, shapes);
}

/** Keys exact both ways, and every shape. */
function compareShapes(
  name: string,
  specs: ReadonlyMap<string, ParamSpec>,
  shapes: z.output<typeof Shapes>,
): OutputResult[] {
  const keys = Object.keys(shapes).filter((key) => specs.has(key));
  const ours = Object.fromEntries(keys.map((key) => [key, fileShape(specs.get(key)!)]));
  const differing = keys.filter((key) => ours[key]!.join() !== shapes[key]!.join());
  const pick = (from: Readonly<Record<string, readonly number[]>>) => differing.map((key) => [key, from[key]]);
  return [
    sameNames(`${name} keys (${Object.keys(shapes).length})`, specs.keys(), Object.keys(shapes)),
    same(`${name} shapes`, pick(ours), pick(shapes)),
  ];
}

async function declared(config: string, overrides: readonly string[] = []): Promise<ReadonlyMap<string, ParamSpec>> {
  return specsOf(await loadConfig(`configs/${config}.yaml`, { registry: codiffRegistry, root: ROOT, overrides }));
}

function read<S extends z.ZodType>(schema: S, path: string): z.output<S> {
  const result = schema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!result.success) throw new Error(describeProblems(result.error, path));
  return result.data;
}
