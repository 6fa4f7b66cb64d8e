import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { readCase } from '../src/cases/case-folder.js';
import { KINDS } from '../src/kinds/table.js';
import { describeCase } from '../src/report/text.js';
import { type Backend, useBackend } from '../src/run/backend.js';
import { runCase } from '../src/run/run-case.js';
import { TemporaryCases, writeTensors } from './temporary-case.js';

let backend: Backend;
const cases = new TemporaryCases();
beforeAll(async () => {
  backend = await useBackend('engine', 'cpu');
});
afterAll(() => cases.remove());

it('a discriminator with ActNorm runs in both modes, its flag reset before each', async () => {
  const path = cases.add('vae_gan_loss', 'actnorm', (yaml) =>
    yaml
      .replace('disc_weight: 0.5}', 'disc_weight: 0.5, use_actnorm: true, disc_num_layers: 1, perceptual_weight: 0}')
      .replace(/\nkeys:[\s\S]*$/, '\n'),
  );
  writeTensors(join(path, 'outputs.safetensors'), {
    'train.gs60000.disc.buffers_after.main.3.initialized': [[], [1]],
    // The flag that training set is gone; what it set in parameters is not.
    'eval.gs0.disc.buffers_after.main.3.initialized': [[], [0]],
    'eval.gs0.ae.disc_factor': [[], [0]],
    'train.gs60000.ae.disc_factor': [[], [1]],
  });
  const file = readCase(path);
  const result = await runCase(file, KINDS.get('vae_gan_loss')!, 'eager', backend.call('eager'));
  expect(result.ok, describeCase(result)).toBe(true);
});
