import { fileURLToPath } from 'node:url';
import { isTree } from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import { checkTrainingConfig, trainerRegistry } from '@codiff/trainer';
import { expect, it } from 'vitest';
import { PAIRED_METRICS } from './paired-metrics.js';
import { differencesFrom, variantsOf } from './run-ablations.js';
import { trainingOverrides } from './train-ablation.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

it('has a config for each ablation, which leaves out what its name says and nothing else', async () => {
  const variants = variantsOf(ROOT, 'configs/demo_codiff_mask_text.yaml');
  expect(variants.map(({ name }) => name)).toEqual([
    'control',
    'constant_over_space',
    'constant_over_time',
    'unet_output',
  ]);
  const models = await Promise.all(
    variants.map(async ({ configs }) => {
      const options = {
        registry: trainerRegistry,
        check: checkTrainingConfig,
        overrides: trainingOverrides(7),
        root: ROOT,
      };
      const { model } = await loadConfig(configs, options);
      const compose = model.params?.compose_unet_config;
      const params = isTree(compose) && isTree(compose.params) ? compose.params : {};
      const { confidence_input, influence, ...same } = params;
      return { mix: { confidence_input, influence }, same, rest: { ...model.params, compose_unet_config: undefined } };
    }),
  );
  expect(models.map(({ mix }) => mix)).toEqual([
    { confidence_input: 'x_t', influence: undefined },
    { confidence_input: 'x_t', influence: { constant_over: 'space' } },
    { confidence_input: 'x_t', influence: { constant_over: 'time' } },
    { confidence_input: 'unet_output', influence: undefined },
  ]);
  for (const { same, rest } of models) expect({ same, rest }).toEqual({ same: models[0]!.same, rest: models[0]!.rest });
});

it('compares every variant with the control, resample by resample', () => {
  const found = (shift: number) => ({
    value: 0.5 + shift,
    n: 9,
    values: Float64Array.from([0.4, 0.6, 0.5], (v) => v + shift),
  });
  const metrics = (shift: number) => ({
    mask_accuracy: found(shift),
    mask_miou: found(2 * shift),
    text_consistency: found(0),
    frechet: found(-shift),
  });
  const differences = differencesFrom(
    'control',
    new Map([
      ['control', metrics(0)],
      ['other', metrics(0.25)],
    ]),
  );
  expect(differences.map(({ name, metric, n }) => `${name} ${metric} ${n}`)).toEqual(
    PAIRED_METRICS.map((metric) => `other ${metric} 9`),
  );
  for (const [i, wanted] of [0.25, 0.5, 0, -0.25].entries()) {
    const { difference, low, high } = differences[i]!;
    for (const each of [difference, low, high]) expect(each).toBeCloseTo(wanted, 12);
  }
});
