import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { AutoencoderKL } from '../vae/autoencoder.js';
import { ConfigError } from './config-error.js';
import { buildModel, checkConfig, composeConfig } from './config-file.js';
import { roles } from './roles.js';
import { ldmRegistry } from './targets.js';
import { mergeTrees } from './tree.js';
import { dumpYaml, parseYamlFile } from './yaml.js';

const VAE = `
model:
  base_learning_rate: 4.5e-6
  target: ldm.models.autoencoder.AutoencoderKL
  params:
    embed_dim: 3
    lossconfig: {target: torch.nn.Identity}
    ddconfig: {double_z: true, z_channels: 3, resolution: 64, in_channels: 3, out_ch: 3, ch: 32, ch_mult: [1, 2],
      num_res_blocks: 1, attn_resolutions: []}
`;

const problemsOf = (text: string, overrides: readonly string[] = []) => {
  try {
    checkConfig(composeConfig([{ name: 'x.yaml', text }], overrides), ldmRegistry);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
};

describe('merging', () => {
  test('mappings merge deep; lists and scalars replace', () => {
    const merged = mergeTrees({ a: { b: 1, c: [1, 2] }, d: 1 }, { a: { c: [3], e: null }, d: { f: 1 } });
    expect(merged).toEqual({ a: { b: 1, c: [3], e: null }, d: { f: 1 } });
  });

  test('files merge left to right, then overrides apply', () => {
    const tree = composeConfig(
      [
        { name: 'a.yaml', text: 'model: {params: {x: 1, y: 1, l: [1, 2]}}' },
        { name: 'b.yaml', text: 'model: {params: {y: 2, z: 2, l: [3]}}' },
      ],
      ['model.params.z=3'],
    );
    expect(tree).toEqual({ model: { params: { x: 1, y: 2, z: 3, l: [3] } } });
  });

  test('what is wrong with each file and each override comes together', () => {
    const files = [
      { name: 'a.yaml', text: 'a: [1' },
      { name: 'b.yaml', text: '- 1' },
    ];
    expect(() => composeConfig(files, ['x'])).toThrow(
      /3 problems[\s\S]*a\.yaml[\s\S]*b\.yaml[\s\S]*'x' is not an override/,
    );
  });
});

describe('a whole file', () => {
  test('passes, and comes back as JSON and YAML with the same content', () => {
    const config = checkConfig(composeConfig([{ name: 'x.yaml', text: VAE }]), ldmRegistry);
    expect(JSON.parse(JSON.stringify(config))).toEqual(config);
    expect(parseYamlFile(dumpYaml(config), 'y.yaml')).toEqual(config);
  });

  test('lists every problem in one error, with paths and suggestions', () => {
    const text = VAE.replace('embed_dim', 'embed_dmi').replace('torch.nn.Identity', 'torch.nn.Identty');
    const problems = problemsOf(text, ['model.params.ddconfig.ch=40', 'model.params.ddconfig.ch_mult[1]=0', 'modle=1']);
    expect(Object.fromEntries(problems.map(({ path, suggestion }) => [path, suggestion]))).toEqual({
      modle: "did you mean 'model'? It is there already: keep one",
      'model.params.embed_dmi': "did you mean 'embed_dim'?",
      'model.params.embed_dim': 'wanted a positive whole number',
      'model.params.lossconfig.target': "did you mean 'torch.nn.Identity'?",
      'model.params.ddconfig.ch': 'use 32',
      'model.params.ddconfig.ch_mult[1]': 'or leave it out for [1,2,4,8]',
    });
  });

  test.each([
    ['model.target=ldm.AutoencoderKL', 'model.target', "did you mean 'ldm.models.autoencoder.AutoencoderKL'?"],
    [
      'model.target=torch.nn.GELU',
      'model.target',
      'wanted ldm.models.diffusion.ddpm.LatentDiffusion or ldm.models.autoencoder.AutoencoderKL',
    ],
    ['model.params=', 'model.params', 'write params: {} for none'],
    ['model.parms=1', 'model.parms', "did you mean 'params'? It is there already: keep one"],
    ['model.base_learning_rate=-1', 'model.base_learning_rate', 'or leave it out'],
    ['model.base_learning_rate="4"', 'model.base_learning_rate', 'write 4 without quotes'],
    ['model.params.ddconfig.tanh_out="true"', 'model.params.ddconfig.tanh_out', 'write true without quotes'],
    ['model.params.lossconfig=3', 'model.params.lossconfig', 'it has no default, so give one'],
    ['model.params.embedDim=3', 'model.params.embedDim', "did you mean 'embed_dim'? It is there already: keep one"],
    ['data=3', 'data', 'or leave it out'],
  ])('%s', (override, path, suggestion) => {
    const problems = problemsOf(VAE, [override]);
    expect(problems.map((problem) => problem.path)).toEqual([path]);
    expect(problems[0]!.suggestion).toBe(suggestion);
  });

  test('a model is required, and may not be null', () => {
    expect(problemsOf('data: {}')[0]).toMatchObject({ path: 'model', message: 'is required' });
    expect(problemsOf('model:')[0]).toMatchObject({ path: 'model' });
  });
});

test('a checked config is built as what it is wanted as', () => {
  const config = checkConfig(composeConfig([{ name: 'x.yaml', text: VAE }]), ldmRegistry);
  const { model, specs } = buildModel(config, roles.firstStage, ldmRegistry);
  expect(model).toBeInstanceOf(AutoencoderKL);
  expect(specs.has('quant_conv.weight')).toBe(true);
  expect(() => buildModel(config, roles.latentDiffusion, ldmRegistry)).toThrow('cannot stand here');
});

test('whatever stands where in a file, the answer is a ConfigError or a model', () => {
  const paths = [
    'model',
    'model.target',
    'model.params',
    'model.params.ddconfig',
    'model.params.ddconfig.ch_mult',
    'data',
  ];
  const junk = fc.oneof(
    fc.jsonValue({ maxDepth: 3 }),
    fc.constantFrom('constructor', 'toString', '__is_first_stage__'),
  );
  fc.assert(
    fc.property(fc.constantFrom(...paths), junk, (path, value) => {
      const found = problemsOf(VAE, [`${path}=${JSON.stringify(value)}`]);
      for (const { message } of found) expect(message.length).toBeLessThan(400);
    }),
    { seed: 23, numRuns: 300 },
  );
});
