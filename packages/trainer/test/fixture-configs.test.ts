import { existsSync, readdirSync } from 'node:fs';
import { ConfigFile, type ConfigTree, fields, isTree, ldmRegistry, roles, Scope } from '@codiff/ldm-core';
import { describe, expect, test } from 'vitest';
import { checkTrainingConfig, trainerRegistry } from '../src/index.js';
import { ROOT, readTree } from './configs.js';

const FIXTURES = 'packages/parity/fixtures';
const cases = readdirSync(`${ROOT}${FIXTURES}`).filter((name) => existsSync(`${ROOT}${FIXTURES}/${name}/config.yaml`));

/** Everything that a case can build: its model under the role it has there, and its modules. */
function problemsOf(config: ConfigTree) {
  const { model, model_files, modules } = config;
  const files = isTree(model_files) ? { files: model_files } : {};
  const roleOf = (target: unknown) =>
    trainerRegistry.targets.find(({ id }) => id === target)?.roles.find(({ name }) => name !== 'branch')?.name ??
    'model';
  const found = isTree(model) ? trainerRegistry.problems(model, roleOf(model.target), 'model', files) : [];
  for (const [name, node] of Object.entries(isTree(modules) ? modules : {})) {
    if (!isTree(node) || node.function !== undefined) continue;
    const { target, params } = node;
    found.push(...ldmRegistry.problems({ target, params }, roleOf(target), `modules.${name}`));
  }
  return found;
}

describe('every model that a parity case builds is accepted', () => {
  test.each(cases)('%s', (name) => {
    expect(problemsOf(readTree(`${FIXTURES}/${name}/config.yaml`))).toEqual([]);
  });

  test('and there are models among them', () => {
    const configs = cases.map((name) => readTree(`${FIXTURES}/${name}/config.yaml`));
    expect(configs.filter(({ model }) => isTree(model)).length).toBeGreaterThanOrEqual(10);
    expect(configs.filter(({ modules }) => isTree(modules)).length).toBeGreaterThanOrEqual(2);
  });
});

describe('the small training configs pass whole', () => {
  const read = (name: string) => readTree(`${FIXTURES}/configs/${name}.yaml`);
  test.each(['tiny_vae', 'tiny_text', 'tiny_mask'])('%s', (name) => {
    expect(() => checkTrainingConfig(read(name))).not.toThrow();
  });

  test('tiny_codiff_mask_text', () => {
    const files = { 'configs/tiny_mask.yaml': read('tiny_mask'), 'configs/tiny_text.yaml': read('tiny_text') };
    const tree = { ...read('tiny_codiff_mask_text'), model_files: files };
    expect(() => checkTrainingConfig(tree)).not.toThrow();
    expect(trainerRegistry.linksOf(ConfigFile, tree)).toEqual(['configs/tiny_text.yaml', 'configs/tiny_mask.yaml']);
  });

  test('a case builds what its config names', () => {
    const { model } = readTree(`${FIXTURES}/unet_text/config.yaml`);
    const scope = Scope.root();
    if (!fields.isTargetConfig(model)) throw new Error('the case has no model');
    trainerRegistry.build(model, roles.unet, scope);
    expect(scope.specs.get('out.2.weight')?.shape).toEqual([3, 3, 32, 3]);
  });
});
