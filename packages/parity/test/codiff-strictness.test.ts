import { afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { type Backend, useBackend } from '../src/run/backend.js';
import { runFolder } from '../src/run/run-folder.js';
import { replacing, TemporaryCases } from './temporary-case.js';

let backend: Backend;
let cases: TemporaryCases;

beforeAll(async () => {
  backend = await useBackend('cpu');
});
beforeEach(() => {
  cases = new TemporaryCases();
});
afterEach(() => cases.remove());

/** Change one case, beside the ones it borrows from, and say why it failed. */
async function failureOf(fixture: string, edit: (yaml: string) => string, beside: string[] = []): Promise<string> {
  for (const name of beside) cases.add(name);
  cases.add(fixture, 'case', edit);
  // A case's kind has its fixture's name here, and what it borrows from is of another.
  const { results } = await runFolder({ folder: cases.folder, kinds: [fixture], modes: ['eager'], call: backend.call });
  const result = results.find((one) => one.case === 'case');
  expect(result?.ok).toBe(false);
  return result?.failure ?? 'no failure as a whole';
}

describe('a case of several branches fails for', () => {
  it.each([
    ['an unknown option', 'scale2: {seg_mask_scale_factor', 'scale2: {text_scale_factor', /'options.scale2.text_scale/],
    [
      'an unknown schedule',
      'seg_mask_schedule: linear_decay',
      'seg_mask_schedule: decay',
      /options.linear_decay.seg_m/,
    ],
    ['a probability', 'manual_prob: -1.0', 'manual_prob: 0.5', /random draws that no case holds/],
    ['an unknown influence input', 'confidence_input: unet_output}', 'confidence_input: z}', /confidence_input/],
    ['a default that is missing', '  boost_factor: 1.0\n', '', /option_defaults.boost_factor/],
    ['another target', 'ddpm_compose.LatentDiffusionCompose', 'ddpm.LatentDiffusion', /takes .*LatentDiffusionCompose/],
    ['an unknown argument', '        confidence_input: x_t', '        confidence_inputs: x_t', /confidence_inputs/],
    ['a branch that is not there', 'text_ldm_config_path: text.yaml', 'text_ldm_config_path: word.yaml', /word.yaml/],
  ])('%s', async (_, search, replacement, message) => {
    expect(await failureOf('compose_unet', replacing(search, replacement))).toMatch(message);
  });
});

describe('a collaborative trajectory fails for', () => {
  it.each([
    ['another sampler', 'ddim_confidence.DDIMConfidenceSampler', 'ddim.DDIMSampler', /'sampler'/],
    ['an option that only the model has', 'manual_prob: 1.0', 'confidence_input: x_t', /options.confidence_input/],
    ['steps that do not exist', 'S: 5', 'S: 0', /'S'/],
  ])('%s', async (_, search, replacement, message) => {
    expect(await failureOf('codiff_sampler', replacing(search, replacement), ['compose_unet'])).toMatch(message);
  });
});

describe('a step of training fails for', () => {
  it('an option left out', async () => {
    const edit = replacing('  softmax_twice: false\n', '');
    expect(await failureOf('codiff_train', edit, ['compose_unet'])).toMatch(/options.softmax_twice/);
  });
});

describe('an edit fails for', () => {
  it.each([
    ['an unknown optimizer', '{kind: Adam, lr: 0.001', '{kind: SGD, lr: 0.001', /stage_a.optimizer.kind/],
    ['an unknown sampler', 'ddim.DDIMSampler', 'ddim.Sampler', /stage_c.sampler/],
    ['plms with noise', 'ddim.DDIMSampler, S: 5, eta: 0.0', 'plms.PLMSSampler, S: 5, eta: 1.0', /'stage_c.eta': PLMS/],
    ['an option of the sampler', 'eta: 0.0}', 'eta: 0.0, temperature: 1.0}', /unknown field 'stage_c.temperature'/],
  ])('%s', async (_, search, replacement, message) => {
    expect(await failureOf('imagic', replacing(search, replacement), ['ldm_text'])).toMatch(message);
  });
});

describe('images fail for', () => {
  it.each([
    ['an unknown operation', 'op: imagic_image', 'op: magic_image', /calls.imagic_image/],
    ['an argument of another operation', '{op: image, input: x}', '{op: image, input: x, nrow: 2}', /calls.x_0.nrow/],
    ['an input that is not there', '{op: image, input: x}', '{op: image, input: y}', /input 'y'/],
    ['a blend of nothing', 'first: x_0', 'first: x_1', /'x_1' is none of the calls/],
    ['a blend of itself', 'first: x_0', 'first: mixed', /refers to itself/],
    ['an image beyond the batch', 'index: 0', 'index: 99', /99, of 12 images/],
  ])('%s', async (_, search, replacement, message) => {
    expect(await failureOf('postprocess', replacing(search, replacement))).toMatch(message);
  });
});
