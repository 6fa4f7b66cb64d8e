import { useEngine } from '@codiff/engine';
import {
  applyOverrides,
  ConfigError,
  type ConfigTree,
  type ParamSpec,
  type Params,
  parseConfig,
  Rng,
  Scope,
  seededNoise,
  snakeize,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  ConfidenceSamplerConfig,
  codiffRegistry,
  composeRoles,
  confidenceRecorder,
  type LatentDiffusionCompose,
  sampleConfidence,
} from '../src/index.js';
import { type Row, SAMPLER, SUBJECTS, type Subject } from './argument-effects.js';
import { livelyParams, randn } from './support.js';
import { FILES, type Tiny, tinyConditions, tinyConfig, tinyLatents, tinyModel } from './tiny-model.js';

beforeAll(async () => {
  tf.enableProdMode();
  await useEngine({ device: 'cpu' });
});

/** Branches of another structure. */
const deeper = (file: ConfigTree) => applyOverrides(file, ['model.params.unet_config.params.num_res_blocks=2']);
const files = { ...FILES, 'deep.yaml': deeper(FILES['text.yaml']), 'sketch_deep.yaml': deeper(FILES['sketch.yaml']) };

/** What a set of arguments comes to. */
type Outcome =
  | { readonly refused: readonly string[] }
  | { readonly keys: string; readonly output: string; readonly config: string };

const outcomes = new Map<string, Outcome>();

/** {@link compute}, once for each question: many rows start from the same arguments. */
function outcomeOf(overrides: readonly string[], observes: boolean): Outcome {
  const question = JSON.stringify([overrides, observes]);
  const outcome = outcomes.get(question) ?? refusal(() => compute(overrides, observes));
  outcomes.set(question, outcome);
  return outcome;
}

function refusal(act: () => Outcome): Outcome {
  try {
    return act();
  } catch (error) {
    if (error instanceof ConfigError) return { refused: error.problems.map(({ path }) => path) };
    throw error;
  }
}

function compute(overrides: readonly string[], observes: boolean): Outcome {
  const { target, params } = tinyConfig();
  const tree = { target, params: applyOverrides({ ...params }, [...overrides]) };
  const scope = Scope.root();
  const model = codiffRegistry.build(tree, composeRoles.collaborative, scope, { files });
  const specs = [...scope.specs.values()].sort((a, b) => (a.key < b.key ? -1 : 1));
  const keys = JSON.stringify(specs.map(fingerprint));
  const config = JSON.stringify(model.config);
  if (!observes) return { keys, output: '', config };
  let output = '';
  tf.tidy(() => {
    output = JSON.stringify([scope.startingPoints, seen(model, weightsOf(scope.specs, keys))]);
  });
  return { keys, output, config };
}

/** The weights of the last model, which most rows share. */
let last: { readonly keys: string; readonly params: Params } | undefined;

function weightsOf(specs: ReadonlyMap<string, ParamSpec>, keys: string): Params {
  if (last?.keys !== keys) {
    last?.params.dispose();
    last = { keys, params: livelyParams(specs, 5).map((tensor) => tf.keep(tensor)) };
  }
  return last.params;
}

function fingerprint({ key, kind, dtype, file, shape, init }: ParamSpec) {
  return [key, kind, dtype, file?.shape ?? shape, init.kind === 'values' ? [...init.values] : init];
}

/** Numbers that tensors stand for, rounded so that another order of summation does not count. */
const numbers = (tensors: Readonly<Record<string, tf.Tensor>>) =>
  Object.entries(tensors)
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, tensor]) => [name, tensor.shape, Array.from(tensor.dataSync(), (value) => Number(value.toFixed(4)))]);

/** Everything that can be seen of a model with fixed weights and inputs. */
function seen(model: LatentDiffusionCompose, p: Params): readonly unknown[] {
  const t = tf.tensor1d([700], 'int32');
  const embeddings = model.encodeConditions(p, tinyConditions(model.conditions));
  const noised = model.noisedConditions(embeddings, t, (_, shape) => randn(shape, 4));
  const [x0, noise] = [tinyLatents(1), tinyLatents(2)];
  const { loss, lossSimple, lossVlb } = model.losses(p, { x0, t, noise, embeddings, draw: tf.scalar(0.5) });
  return [
    numbers(noised),
    numbers(model.unet.forward(p, { x: x0, t, contexts: embeddings })),
    numbers({ loss, lossSimple, lossVlb, decoded: model.decodeFirstStage(p, x0) }),
  ];
}

function judge({ effect }: Row, before: Outcome, after: Outcome, refusedAt: string): void {
  if (effect === 'refused') {
    expect(before).not.toHaveProperty('refused');
    expect(after).toEqual({ refused: [expect.stringMatching(new RegExp(`^${refusedAt}(\\[\\d\\])?$`))] });
    return;
  }
  if ('refused' in before || 'refused' in after) {
    // Arguments that do not go together: with the one value only.
    expect([effect, 'refused' in before]).not.toEqual([effect, 'refused' in after]);
    expect(effect).toBe('output');
    return;
  }
  expect(after.keys === before.keys ? 'same keys' : 'other keys').toBe(effect === 'keys' ? 'other keys' : 'same keys');
  if (effect !== 'keys')
    expect(after.output === before.output ? 'same' : 'output').toBe(effect === 'output' ? effect : 'same');
  if (effect === 'elsewhere') expect(after.config).not.toBe(before.config);
}

const coverage = (
  { rows, listed, ours = [] }: Pick<Subject, 'rows' | 'listed' | 'ours'>,
  fields: readonly string[],
) => {
  expect([...fields].sort()).toEqual([...listed, ...ours].sort());
  const covered = new Set(rows.map(({ argument }) => argument));
  expect([...listed, ...ours].filter((argument) => !covered.has(argument))).toEqual([]);
};

describe.each(SUBJECTS)('$target', (subject) => {
  const { target, at, rows } = subject;
  /** Overrides of a part's own arguments, and of the model's, as overrides of the model. */
  const whole = (override: string): string => (isOwn(override) ? `${at}.${override}` : override);
  const own = new Set([...subject.listed, ...(subject.ours ?? [])]);
  const isOwn = (override: string): boolean => at !== '' && own.has(override.split(/[.=]/)[0]!);

  it('has a row for every argument that section 19 lists, and takes no others', () => {
    const { schema } = codiffRegistry.targets.find(({ id }) => id === target)!;
    coverage(subject, Object.keys(schema.shape).map(snakeize));
  });

  it.each(rows)('$argument: $effect ($change, given $given)', (row) => {
    // Of the arguments that a part shares a name with the model's, `given` means the model's.
    const given = row.given.map((override) => (override.startsWith('conditions=') ? override : whole(override)));
    const observes = row.effect !== 'keys' && row.effect !== 'refused';
    const before = outcomeOf(given, observes);
    const after = outcomeOf([...given, ...row.change.map(whole)], observes);
    judge(row, before, after, `params.${at === '' ? '' : `${at}.`}${row.argument}`);
  });

  it('refuses an argument that it does not have, with its path and a suggestion', () => {
    const prefix = at === '' ? '' : `${at}.`;
    const misspelt = `${subject.listed[0]!}x`;
    try {
      compute([`${prefix}${misspelt}=1`, `${prefix}zebra=1`], false);
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).problems).toEqual([
        {
          path: `params.${prefix}${misspelt}`,
          message: `unknown key '${misspelt}'`,
          suggestion: expect.stringContaining(`did you mean '${subject.listed[0]}'?`),
        },
        {
          path: `params.${prefix}zebra`,
          message: "unknown key 'zebra'",
          suggestion: expect.stringMatching(/^known keys: /),
        },
      ]);
    }
  });
});

describe(SAMPLER.target, () => {
  const THREE = ['seg_mask', 'text', 'sketch'];
  const models = new Map<string, Tiny>();
  const modelOf = (conditions: readonly string[]): Tiny => {
    const known = models.get(conditions.join()) ?? tinyModel({ conditions });
    models.set(conditions.join(), known);
    return known;
  };

  async function sampled(overrides: readonly string[], conditions: readonly string[]): Promise<Outcome> {
    let config: ReturnType<typeof ConfidenceSamplerConfig.parse>;
    try {
      const params = applyOverrides({}, [...overrides]);
      config = parseConfig(ConfidenceSamplerConfig, { target: SAMPLER.target, params });
    } catch (error) {
      if (error instanceof ConfigError) return { refused: error.problems.map(({ path }) => path) };
      throw error;
    }
    const { model, params } = modelOf(conditions);
    const contexts = model.encodeConditions(params, tinyConditions(conditions));
    const recorder = confidenceRecorder(config);
    const draws = [0.7, 0.2];
    const z = await sampleConfidence(model, params, contexts, tinyLatents(1), {
      ...config,
      steps: 2,
      eta: 1,
      noise: seededNoise(Rng.of(1)),
      draw: () => draws.shift()!,
      onMix: recorder?.onMix,
    });
    const listed = ([name, list]: [string, readonly tf.Tensor[]]) => [name, list.map((map) => numbers({ map }))];
    const output = [
      numbers({ z }),
      Object.entries(recorder?.influence ?? {}).map(listed),
      Object.entries(recorder?.branches ?? {}).map(listed),
    ];
    tf.dispose([z, ...Object.values(contexts)]);
    recorder?.dispose();
    return { keys: '', output: JSON.stringify(output), config: JSON.stringify(config) };
  }

  it('has a row for every argument that section 19 lists', () => {
    coverage(SAMPLER, Object.keys(ConfidenceSamplerConfig.shape).map(snakeize));
  });

  it.each(SAMPLER.rows)('$argument: $effect ($change, given $given)', async (row) => {
    // Which maps are kept shows where there are three.
    const conditions = row.argument === 'conditions' ? THREE : THREE.slice(0, 2);
    const before = await sampled(row.given, conditions);
    const after = await sampled([...row.given, ...row.change], conditions);
    judge(row, before, after, `params.${row.argument}`);
  });

  it('lets other names pass, but for one that looks like its own', async () => {
    expect(await sampled(['softmax_twise=true'], THREE)).toEqual({ refused: ['params.softmax_twise'] });
  });
});
