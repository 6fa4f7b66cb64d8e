import { mkdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Backend, useBackend } from '../src/run/backend.js';
import { type RunReport, runFolder } from '../src/run/run-folder.js';
import { replacing, TemporaryCases, writeTensors } from './temporary-case.js';

let backend: Backend;
let cases: TemporaryCases;

beforeAll(async () => {
  backend = await useBackend('cpu');
});
beforeEach(() => {
  cases = new TemporaryCases();
});
afterEach(() => cases.remove());

function run(kinds?: string[]): Promise<RunReport> {
  return runFolder({ folder: cases.folder, modes: ['eager'], call: backend.call, ...(kinds ? { kinds } : {}) });
}

/** The failure of the one case that was run. */
async function failure(): Promise<string> {
  const { results, ok } = await run();
  expect(ok).toBe(false);
  expect(results).toHaveLength(1);
  return results[0]!.failure ?? `no failure: ${JSON.stringify(results[0]!.outputs.filter((output) => !output.ok))}`;
}

describe('a folder of cases', () => {
  it('runs in name order, by kind and not by name, and lists what is no case', async () => {
    cases.add('ddim_schedule', 'b');
    cases.add('schedule', 'a');
    mkdirSync(join(cases.folder, 'notes'));
    writeFileSync(join(cases.folder, 'plain.txt'), '');
    symlinkSync(join(cases.folder, 'gone'), join(cases.folder, 'dangling'));
    const { results, skipped, ok } = await run();
    expect(ok).toBe(true);
    expect(results.map((result) => [result.case, result.kind])).toEqual([
      ['a', 'schedule'],
      ['b', 'ddim_schedule'],
    ]);
    expect(skipped).toEqual(['notes']);
  });

  it('goes on after a failure', async () => {
    cases.add('schedule', 'a', replacing('kind: schedule', 'kind: shedule'));
    cases.add('schedule', 'b');
    const { results, ok } = await run();
    expect(ok).toBe(false);
    expect(results.map((result) => result.ok)).toEqual([false, true]);
  });

  it('is an error without a case, and without one of the kinds asked for', async () => {
    await expect(run()).rejects.toThrow(/no case/);
    cases.add('schedule');
    await expect(run(['unet'])).rejects.toThrow(/no case of the kinds asked for/);
    await expect(run(['shedule'])).rejects.toThrow(/--kinds: unknown kind 'shedule'/);
  });

  it('leaves out what --kinds does not name', async () => {
    cases.add('schedule');
    cases.add('postprocess');
    expect((await run(['schedule'])).unselected).toEqual(['postprocess']);
  });
});

describe('a case', () => {
  it.each([
    ['an unknown kind', 'kind: schedule', 'kind: shedule', /'kind'.*'shedule'/],
    ['an unknown field', 'timesteps: 1000', 'timesteps: 1000\nsteps: 5', /unknown field 'steps'/],
    ['a missing field', 'timesteps: 1000\n', '', /'timesteps'/],
    ['an unknown schedule', 'beta_schedule: linear', 'beta_schedule: linaer', /'beta_schedule'/],
    [
      'an unknown measure',
      'measure: each_rel, limit: 1.0e-06',
      'measure: rel, limit: 1.0e-06',
      /'tolerance.default.measure'/,
    ],
    [
      'an unknown field of a tolerance',
      '{measure: each_rel, limit: 1.0e-06,',
      '{measure: each_rel, limit: 1.0e-06, q: 1,',
      /unknown field 'tolerance.default.q'/,
    ],
    ['an unknown field of weights', 'weights: {}', 'weights: {file: x}', /unknown field 'weights.file'/],
    ['a model where there is none', 'weights: {}', 'weights: {}\nmodel: ../x/config.yaml', /unknown field 'model'/],
    ['broken YAML', 'kind: schedule', 'kind: [schedule', /config.yaml/],
  ])('fails for %s', async (_, search, replacement, message) => {
    cases.add('schedule', 'case', replacing(search, replacement));
    expect(await failure()).toMatch(message);
  });

  it.each([
    ['an unknown form', 'form: unet, dim: 33', 'form: unit, dim: 33', /'embeddings.unet_dim33.form'/],
    ['an input it does not hold', 'input: t_fractional', 'input: t_fraction', /input 't_fraction'/],
  ])('fails for %s', async (_, search, replacement, message) => {
    cases.add('timestep_embedding', 'case', replacing(search, replacement));
    expect(await failure()).toMatch(message);
  });

  it.each([
    ['an unknown target', 'openaimodel.ResBlock', 'openaimodel.ResBlok', /'modules.unet_resblock'.*ResBlok/],
    [
      'an unknown function',
      'lpips.normalize_tensor',
      'lpips.normalise',
      /'modules.lpips_normalize.function'.*normalise/,
    ],
    ['an unknown argument', '{channels: 64, emb_channels: 128', '{chanels: 64, emb_channels: 128', /chanels/],
    [
      'an unknown mode',
      'mode: eval\n    args: [x, emb]',
      'mode: test\n    args: [x, emb]',
      /'modules.unet_resblock.mode'/,
    ],
    [
      'an unknown field',
      'mode: eval\n    args: [x, emb]',
      'mode: eval\n    seed: 1\n    args: [x, emb]',
      /unknown field 'modules.unet_resblock.seed'/,
    ],
    [
      'a field beside a function',
      'normalize_tensor, args',
      'normalize_tensor, mode: eval, args',
      /unknown field 'modules.lpips_normalize.mode'/,
    ],
    ['too few arguments', 'args: [x, emb]', 'args: [x]', /'modules.unet_resblock.args'/],
    [
      'dropout in training',
      'dropout: 0.0, out_channels: 96}\n    mode: eval',
      'dropout: 0.5, out_channels: 96}\n    mode: train',
      /dropout/,
    ],
  ])('of single modules fails for %s', async (_, search, replacement, message) => {
    cases.add('eps_probe', 'case', replacing(search, replacement));
    expect(await failure()).toMatch(message);
  });

  it.each([
    ['target', 'openaimodel.ResBlock', 'openaimodel.ResBlok', /'modules.unet_resblock'.*ResBlok/],
    ['function', 'lpips.normalize_tensor', 'lpips.normalise', /'modules.lpips_normalize.function'.*normalise/],
    ['input', 'args: [x, emb]', 'args: [x, emd]', /input 'emd'/],
  ])(
    'of single modules fails for an unknown %s, also where that output is not stored',
    async (_, search, by, message) => {
      const path = cases.add('eps_probe', 'case', replacing(search, by));
      writeTensors(join(path, 'outputs.safetensors'), { gelu_exact: [[1], [0]] });
      expect(await failure()).toMatch(message);
    },
  );

  it.each([
    ['freeu', 'an option of a variant', 'strong: {enable_freeu', 'strong: {enable_free', "unknown key 'enable_free'"],
    ['freeu', 'an input', 'filter_inputs: [f_even', 'filter_inputs: [f_evn', "input 'f_evn'"],
    ['fullsize', 'a target', 'BERTEmbedder', 'BERTEmbeder', 'unknown target'],
    ['fullsize', 'a method', 'method: decode', 'method: decod', "unknown method 'decod'"],
    ['fullsize', 'an input', 'timesteps: t', 'timesteps: tt', "input 'tt'"],
  ])(
    'of %s fails for %s that it does not know, also where that output is not stored',
    async (fixture, _, search, by, message) => {
      const path = cases.add(fixture, 'case', replacing(search, by));
      writeTensors(join(path, 'outputs.safetensors'), { none: [[1], [0]] });
      expect(await failure()).toContain(message);
    },
  );

  it.each([
    ['another target', 'UNetModel', 'EncoderUNetModel', /'model.target'.*EncoderUNetModel/],
    ['an unknown argument of the model', 'num_heads: -1', 'num_heads: -1\n    heads: 4', /unknown key 'heads'/],
    ['a rule for no parameter', "match: '*', salt", "match: 'out.*', salt", /'time_embed.0.weight' has no value/],
    ['a rule without a field', "salt: '', strip_prefix: ''", "salt: ''", /'weights.formula\[0\].strip_prefix'/],
    [
      'a key of another shape',
      'time_embed.0.weight: [128, 32]',
      'time_embed.0.weight: [128, 31]',
      /'time_embed.0.weight'.*field 'keys' says \[128,31\]/,
    ],
    [
      'a key that is not there',
      'time_embed.0.weight: [128, 32]',
      'time_embed.1.weight: [128, 32]',
      /'keys' lists 'time_embed.1.weight'/,
    ],
  ])('of a UNet fails for %s', async (_, search, replacement, message) => {
    cases.add('unet_mask', 'case', replacing(search, replacement));
    expect(await failure()).toMatch(message);
  });

  it.each([
    ['an unknown sampler', 'ddim.DDIMSampler', 'ddim.DDPMSampler', /'sampler'/],
    ['an unknown option', 'options: {', 'options: {quantize_x0: true, ', /unknown field 'options.quantize_x0'/],
    ['noise dropout', 'options: {', 'options: {noise_dropout: 0.1, ', /'options.noise_dropout'/],
    ['a model file that is not there', '../ldm_text/config.yaml', '../ldm_txt/config.yaml', /'model'.*ldm_txt/],
    [
      'a weights file that is not there',
      'files: [../ldm_text/weights',
      'files: [../ldm_txt/weights',
      /'weights.files'.*ldm_txt/,
    ],
  ])('of a sampler fails for %s', async (_, search, replacement, message) => {
    cases.add('ldm_text');
    cases.add('ddim_eta0', 'case', replacing(search, replacement));
    const { results } = await run(['sampler']);
    expect(results[0]!.failure).toMatch(message);
  });

  it('fails for an output that its kind does not define, and for a wrong value, by name', async () => {
    const path = cases.add('schedule', 'case');
    writeTensors(join(path, 'outputs.safetensors'), { betas: [[2], [0.5, 0.25]], gammas: [[1], [0]] });
    const [result] = (await run()).results;
    expect(result!.outputs).toMatchObject([
      { output: 'betas', ok: false, note: 'shape [1000] instead of [2]' },
      { output: 'gammas', ok: false, note: "kind 'schedule' defines no output of this name for this case" },
    ]);
  });

  it('fails without an output', async () => {
    const path = cases.add('schedule', 'case');
    writeTensors(join(path, 'outputs.safetensors'), {});
    expect(await failure()).toMatch(/holds no tensor/);
    rmSync(join(path, 'outputs.safetensors'));
    expect(await failure()).toMatch(/no such file/);
  });

  it('works with other sizes, names and limits', async () => {
    const path = cases.add('ddim_schedule', 'another', (yaml) =>
      yaml
        .replace('timesteps: 1000', 'timesteps: 8')
        .replace(
          /settings:[\s\S]*original_fails:[\s\S]*?tolerance/,
          'settings:\n  four: {S: 4, eta: 0.0, discretize: uniform}\ntolerance',
        ),
    );
    writeTensors(join(path, 'outputs.safetensors'), { 'four.ddim_timesteps': [[4], [1, 3, 5, 7]] });
    expect((await run()).ok).toBe(true);
  });
});
