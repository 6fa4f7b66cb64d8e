import { type SpawnSyncReturns, spawnSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { readRunRecord } from '@codiff/trainer';
import { afterAll, beforeAll, expect, it, vi } from 'vitest';
import yargs from 'yargs';
import { trainCommand } from '../src/commands/train.js';
import { InputError } from '../src/input-error.js';
import { explicitSwitches } from '../src/train/overrides.js';
import { UsageError } from '../src/usage-error.js';

const MAIN = fileURLToPath(new URL('../src/main.ts', import.meta.url));
const FIXTURES = fileURLToPath(new URL('../../parity/fixtures/', import.meta.url));
const PACKAGE = fileURLToPath(new URL('..', import.meta.url));

let root: string;
const before = process.cwd();
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'train-'));
  mkdirSync(join(root, 'pretrained'));
  for (const name of ['configs', 'dataset']) cpSync(join(FIXTURES, name), join(root, name), { recursive: true });
  for (const name of readdirSync(join(root, 'configs'))) {
    const path = join(root, 'configs', name);
    writeFileSync(path, smaller(readFileSync(path, 'utf8')));
  }
  process.chdir(root);
});
afterAll(() => {
  process.chdir(before);
  rmSync(root, { recursive: true });
});

/** What takes time is to compile: a config with fewer layers. */
const smaller = (config: string): string =>
  config
    .replaceAll(/\bchannel_mult:(\n\s*- \d)+/g, 'channel_mult: [1]')
    .replaceAll(/\battention_resolutions:(\n\s*- \d)+/g, 'attention_resolutions: []')
    .replaceAll(/\bch_mult:(\n\s*- \d)+/g, 'ch_mult: [1, 1, 1]')
    .replaceAll('use_checkpoint: true', 'use_checkpoint: false');

function codiff(...args: readonly string[]): SpawnSyncReturns<string> {
  const tsx = import.meta.resolve('tsx', `file://${PACKAGE}`);
  const { NODE_OPTIONS: _, ...env } = process.env;
  return spawnSync(process.execPath, ['--conditions=@codiff/source', '--import', tsx, MAIN, ...args], {
    cwd: root,
    env,
    encoding: 'utf8',
  });
}

/** Train, and give back the run's folder and what was printed. */
function train(config: string, ...more: readonly string[]): { run: string; stdout: string } {
  const { status, stdout, stderr } = codiff('train', '-b', `configs/${config}.yaml`, '-t', '-l', 'out', ...more);
  expect(stderr).toBe('');
  expect(status).toBe(0);
  return { run: /^(.*) on cpu$/m.exec(stdout)![1]!, stdout };
}

const quick = ['--max_steps', '2', '--log_every_n_steps', '1'];
/** Besides, nothing that the first model shows already: reading threads, validation before the first step. */
const quicker = [...quick, '--num_sanity_val_steps', '0', 'data.params.num_workers=0'];
const keep = (run: string, name: string) =>
  cpSync(join(root, run, 'checkpoints', 'last.ckpt'), join(root, 'pretrained', `${name}.ckpt`));

it('trains the four models one after the other, as the README does, and goes on with the last', async () => {
  const vae = train('tiny_vae', ...quick, 'model.params.lossconfig.params.perceptual_weight=0');
  expect(vae.stdout).toContain('learning rate 1.80e-5 = 2 (accumulate_grad_batches) * 1 (n_gpus) * 2 (batch_size)');
  expect(vae.run).toMatch(/^out\/\d{4}-\d\d-\d\dT\d\d-\d\d-\d\d_tiny_vae$/);
  keep(vae.run, 'tiny_vae');
  for (const kind of ['text', 'mask']) {
    const { run, stdout } = train(`tiny_${kind}`, ...quicker, '-n', kind, '-f', '+x');
    expect(run).toMatch(new RegExp(`_${kind}\\+x$`));
    expect(stdout).toContain('tiny_vae.ckpt: ');
    keep(run, `tiny_${kind}`);
  }
  const branches = readFileSync(join(root, 'pretrained', 'tiny_text.ckpt'));
  const { run, stdout: composed } = train(
    'tiny_codiff_mask_text',
    ...quicker,
    'lightning.callbacks.image_logger.params={batch_frequency: 2, max_images: 2, log_images_kwargs: {ddim_steps: 2, N: 2, plot_diffusion_rows: false}}',
  );
  expect(composed).toMatch(/epoch 0 batch 1 step 1 train\/loss_simple .* images\/s, .* % waiting/);
  expect(composed).toMatch(/\d images at step 2/);
  const pictures = readdirSync(join(root, run, 'images', 'train'));
  expect(pictures).toContain('samples_gs-000002_e-000000_b-000001.png');
  expect(pictures).toContain('influence_text_gs-000002_e-000000_b-000001.png');
  expect(readFileSync(join(root, 'pretrained', 'tiny_text.ckpt')).equals(branches)).toBe(true);
  const files = readdirSync(join(root, run));
  for (const name of ['checkpoints', 'configs', 'images', 'log.jsonl', 'report.html', 'testtube']) {
    expect(files).toContain(name);
  }
  expect(files).not.toContain('run.lock');
  const { branches: parts } = await readRunRecord(join(root, run, 'checkpoints', 'last.ckpt'));
  expect(parts).toBe(Math.min(2, availableParallelism()));

  // The folder alone is enough: it holds the configs.
  const { status, stdout, stderr } = codiff(
    ...['train', '-t', '--resume', run, '--max_steps', '4'],
    'lightning.callbacks.image_logger.params.disabled=true',
  );
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('resumed from');
  expect(stdout).toContain('epoch 0, batch 2, step 2');
  expect(stdout).not.toContain('warning');
  expect(stdout).toContain('the last step is done after epoch 1, step 4');
  const steps = readFileSync(join(root, run, 'log.jsonl'), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { step: number; scalars?: object })
    .flatMap(({ step, scalars }) => (scalars ? [step] : []));
  expect([...new Set(steps)]).toEqual([1, 2, 3, 4]);
  const wrongSeed = codiff('train', '-t', '--resume', join(run, 'checkpoints', 'last.ckpt'), '-s', '5');
  expect([wrongSeed.status, wrongSeed.stderr]).toEqual([
    2,
    'codiff: --seed 5: this run was started with seed 23; leave the flag out\n',
  ]);
}, 600_000);

it.each([
  ['nothing to do', ['-b', 'configs/tiny_text.yaml', '-l', 'none'], 'nothing to do: give -t to train, or a test set'],
  ['no config', ['-t'], 'name a config with --base'],
  ['name and resume', ['-t', '-r', 'x', '-n', 'y'], 'exclude each other'],
  ['no such run', ['-t', '-r', 'nowhere'], '--resume nowhere: there is no such folder or file'],
  ['more devices than one', ['-t', '-b', 'configs/tiny_vae.yaml', '--gpus', '0,1,2,3,'], 'there is no gpu:0, gpu:1'],
  ['devices of a config', ['-t', 'lightning.trainer.gpus=[7]', '-b', 'configs/tiny_vae.yaml'], 'there is no gpu:7'],
])('%s: says so, as something that the user can mend', async (_, args, message) => {
  const write = vi.spyOn(process.stdout, 'write').mockReturnValue(true);
  const line = yargs(explicitSwitches(['train', ...args]))
    .command(trainCommand)
    .fail((text, error) => {
      throw error ?? new Error(text);
    });
  const error: unknown = await line.parseAsync().then(
    () => null,
    (caught: unknown) => caught,
  );
  write.mockRestore();
  expect(error).toSatisfy((each) => each instanceof UsageError || each instanceof InputError);
  expect((error as Error).message).toContain(message);
});

it('no networks of the perceptual loss: says so, ends with 2 and leaves no run', () => {
  const { status, stdout, stderr } = codiff('train', '-t', '-b', 'configs/tiny_vae.yaml', '-l', 'none');
  expect(stdout).not.toContain('none/');
  expect(stderr).toContain('perceptual_weight: 0 trains without');
  expect(stderr).not.toContain('    at ');
  expect(status).toBe(2);
  expect(existsSync(join(root, 'none'))).toBe(false);
});

it('a dry run prints what training would take, reads no checkpoint and writes nothing', () => {
  // Overrides may stand anywhere, also after a list of files and after a flag without a value.
  const overrides = ['model.base_learning_rate=3e-6', 'data.params.batch_size=1'] as const;
  const { status, stdout, stderr } = codiff(
    ...['train', '-l', 'dry', '-b', 'configs/tiny_mask.yaml', overrides[0], '-t', '--dry-run', overrides[1]],
  );
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain('an epoch of 6 images in 6 batches');
  expect(stdout).toContain('dry run on cpu');
  expect(stdout).toMatch(/model\.diffusion_model +trained [\d,]+, frozen 0/);
  expect(stdout).toMatch(/first_stage_model\.decoder +trained 0, frozen [\d,]+/);
  expect(stdout).toMatch(/memory: weights \d+ MiB, optimizers \d+ MiB, peak of this process \d+ MiB/);
  expect(stdout).toMatch(/images\/s/);
  expect(stdout).toMatch(/takes [\d.e-]+ hours/);
  expect(existsSync(join(root, 'dry'))).toBe(false);
}, 300_000);
