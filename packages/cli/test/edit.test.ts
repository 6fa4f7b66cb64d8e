import { existsSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  adamBy,
  codiffRegistry,
  composeRoles,
  editedImageBytes,
  embeddingOf,
  embeddingStep,
  imageBytes,
  imagicAdam,
  interpolate,
  type LatentDiffusionCompose,
  noiseDraws,
  readImages,
  runTuning,
  sampleConfidence,
  startEmbedding,
  startTuning,
  weightsStep,
  withBranchUNet,
} from '@codiff/codiff';
import { useEngine } from '@codiff/engine';
import {
  BertTokenizer,
  buildModel,
  type LatentDiffusion,
  loadParams,
  type Params,
  Rng,
  roles,
  sampleDdim,
} from '@codiff/ldm-core';
import { loadBertVocabulary, openCheckpointFile } from '@codiff/ldm-core/node';
import { decodeImage } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageNoise } from '../src/generate/image-noise.js';
import { oneHotMask, readMask } from '../src/generate/mask.js';
import { decodeRgb } from '../src/generate/png/rgb.js';
import { runCli } from './run-cli.js';
import { MASK, type TinyModel, tinyConfig, tinyWorld } from './tiny-models.js';

const TEXT = 'He is a teen.';
const IMAGE = fileURLToPath(new URL('../../parity/fixtures/dataset/image/image_64/0.jpg', import.meta.url));
const TUNING = { embedding: { lr: 0.01, iterations: 3 }, weights: { lr: 0.001, iterations: 4 } };
const SAMPLING = ['--ddim_steps', '2', '--device', 'cpu'];
const TUNING_FLAGS = [
  ...['--stage1_lr', '0.01', '--stage1_num_iter', '3', '--stage2_lr', '0.001', '--stage2_num_iter', '4'],
  ...['--alpha_list', '-1, 0.5', ...SAMPLING],
];
const BOTH = [
  ...['edit', 'both', '--image', IMAGE, '--text', TEXT, '--mask', MASK, '--save_folder', 'outputs', ...TUNING_FLAGS],
  ...['--text_config', 'configs/tiny_text.yaml', '--text_ckpt', 'pretrained/tiny_text.ckpt'],
  ...['--mask-config', 'configs/tiny_mask.yaml', '--mask-ckpt', 'pretrained/tiny_mask.ckpt'],
  ...['--config_path', 'configs/tiny_codiff_mask_text.yaml', '--ckpt_path', 'pretrained/tiny_codiff_mask_text.ckpt'],
  ...['--collaborative_alpha_list', '0, 1.25'],
];
const EDIT_TEXT = [
  ...['edit', 'text', '--config', 'configs/tiny_text.yaml', '--ckpt', 'pretrained/tiny_text.ckpt'],
  ...['--input_image_path', IMAGE, '--text_prompt', TEXT, ...TUNING_FLAGS],
];
const BY_TEXT = `outputs/text_edit/0.jpg/${TEXT}`;
const BY_MASK = 'outputs/mask_edit/0.jpg/3.png';
const TOGETHER = 'outputs/collaborative_edit/seed=2';

let world = '';
beforeAll(async () => {
  world = await tinyWorld(['text', 'mask', 'codiff_mask_text']);
  await useEngine({ device: 'cpu', deterministic: true });
});
afterAll(() => rmSync(world, { recursive: true }));

const files = (folder: string) => readdirSync(join(world, folder)).sort();
const bytes = (path: string) => readFileSync(join(world, path));

async function weights(model: TinyModel, specs: Parameters<typeof loadParams>[0]): Promise<Params> {
  const checkpoint = await openCheckpointFile(join(world, `pretrained/tiny_${model}.ckpt`));
  const { params } = await loadParams(specs, checkpoint);
  await checkpoint.close();
  return params;
}

/** Grey levels of an image of the command and of the package may differ by one: one is compiled, the other is not. */
function expectSame(path: string, expected: ReturnType<typeof decodeRgb> | undefined): void {
  const found = decodeRgb(bytes(path));
  expect([found.width, found.height]).toEqual([expected!.width, expected!.height]);
  const differences = found.values.map((level, i) => Math.abs(level - expected!.values[i]!));
  expect(Math.max(...differences)).toBeLessThanOrEqual(1);
  expect(new Set(found.values).size).toBeGreaterThan(16);
}

/** Imagic by the package's own functions, operation by operation; each kind once. */
const edits = new Map<string, ReturnType<typeof tuneEagerly>>();
function imagic(kind: 'text' | 'mask', condition: tf.Tensor) {
  const edit = edits.get(kind) ?? tuneEagerly(kind, condition);
  edits.set(kind, edit);
  return edit;
}

async function tuneEagerly(kind: 'text' | 'mask', condition: tf.Tensor) {
  const { model, specs } = buildModel<LatentDiffusion>(await tinyConfig(kind), roles.latentDiffusion, codiffRegistry);
  const p = await weights(kind, specs);
  const { values, height, width } = await decodeImage(IMAGE);
  const image = tf.tensor4d(
    Float32Array.from(values, (level) => (level / 255) * 2 - 1),
    [1, height, width, 3],
  );
  const rng = Rng.of(0).split('edit');
  const latent: [number, number, number, number] = [1, 16, 16, 3];
  const x0 = model.encodeFirstStage(p, image, rng.split('posterior').normal(latent));
  const target = model.condition(p, condition) as tf.Tensor3D;
  const draws = (stage: string) => noiseDraws(rng.split(`stage ${stage}`), latent, model.schedule.timesteps);
  const updateA = adamBy(imagicAdam(['embedding'], TUNING.embedding.lr));
  const stageA = await runTuning(
    (state, draw) => embeddingStep(model, state, { p, x0, draw }, updateA),
    startEmbedding(target),
    { iterations: TUNING.embedding.iterations, draw: draws('A') },
  );
  const optimized = embeddingOf(stageA);
  const start = startTuning(p.under('model'));
  const updateB = adamBy(imagicAdam(start.trained.keys(), TUNING.weights.lr));
  const { trained } = await runTuning(
    (state, draw) => weightsStep(model, state, { p, x0, embedding: optimized, draw }, updateB),
    start,
    { iterations: TUNING.weights.iterations, draw: draws('B') },
  );
  const startCode = rng.split('start code').normal<tf.Rank.R4>(latent);
  const sample = async (params: Params, alpha: number) => {
    const denoise = model.denoiser(params, interpolate(target, optimized, alpha));
    const noise = imageNoise(0, 0, latent).source;
    const z = await sampleDdim(denoise, startCode, { schedule: model.schedule, steps: 2, eta: 1, noise });
    return editedImageBytes(await readImages(model.decodeFirstStage(params, z)))[0];
  };
  return { model, p, x0, target, optimized, trained, sample };
}

// Nine runs of the command, each of which traces and compiles a model.
describe('codiff edit', { timeout: 600_000 }, () => {
  const imagicNames = [
    '0A_interText_origDM_0_alpha=-1.0.png',
    '0A_interText_origDM_1_alpha=0.5.png',
    '0C_interText_optDM_0_alpha=-1.0.png',
    '0C_interText_optDM_1_alpha=0.5.png',
    'A_end_optText_origDM.png',
    'A_start_tgtText_origDM.png',
    'B_end_optText_optDM.png',
    'contact_sheet.png',
    'emb_opt.safetensors',
    'emb_tgt.safetensors',
    'input_image_reconstructed.png',
    'optDM.safetensors',
    'start_code.safetensors',
  ];

  it('both writes the trees of the three edits, and the pixels of the package', async () => {
    const run = await runCli(world, BOTH);
    expect(run).toMatchObject({ code: 0 });
    expect(files(BY_TEXT)).toEqual(imagicNames);
    expect(files(BY_MASK)).toEqual([...imagicNames, '3.png'].sort());
    expect(files(TOGETHER)).toEqual(['000000_x_0_0_alpha=0.0.png', '000000_x_0_1_alpha=1.25.png', 'contact_sheet.png']);
    expect(files('outputs')).toEqual(['collaborative_edit', 'mask_edit', 'text_edit']);

    const text = await imagic('text', new BertTokenizer(await loadBertVocabulary()).encode([TEXT]));
    const { model, p, x0, target, trained, sample } = text;
    expectSame(
      `${BY_TEXT}/input_image_reconstructed.png`,
      editedImageBytes(await readImages(model.decodeFirstStage(p, x0)))[0],
    );
    expectSame(`${BY_TEXT}/A_start_tgtText_origDM.png`, await sample(p, 1));
    expectSame(`${BY_TEXT}/A_end_optText_origDM.png`, await sample(p, 0));
    expectSame(`${BY_TEXT}/0A_interText_origDM_0_alpha=-1.0.png`, await sample(p, -1));
    const tuned = p.merge(trained);
    expectSame(`${BY_TEXT}/B_end_optText_optDM.png`, await sample(tuned, 0));
    expectSame(`${BY_TEXT}/0C_interText_optDM_1_alpha=0.5.png`, await sample(tuned, 0.5));
    const stored = await openCheckpointFile(join(world, BY_TEXT, 'emb_tgt.safetensors'));
    expect([...stored.tensors].map(([name, { shape }]) => [name, shape])).toEqual([['emb_tgt', target.shape]]);
    await stored.close();

    const mask = await imagic('mask', oneHotMask(await readMask(MASK)));
    expectSame(`${BY_MASK}/0C_interText_optDM_0_alpha=-1.0.png`, await mask.sample(mask.p.merge(mask.trained), -1));

    const composed = buildModel<LatentDiffusionCompose>(
      await tinyConfig('codiff_mask_text'),
      composeRoles.collaborative,
      codiffRegistry,
    );
    const own = await weights('codiff_mask_text', composed.specs);
    const both = withBranchUNet(withBranchUNet(own, 'text', trained), 'seg_mask', mask.trained);
    const contexts = {
      text: interpolate(target, text.optimized, 1.25),
      seg_mask: interpolate(mask.target, mask.optimized, 1.25),
    };
    const noise = imageNoise(2, 0, [1, 16, 16, 3]);
    const z = await sampleConfidence(composed.model, both, contexts, noise.start(), {
      ...{ steps: 2, eta: 1, noise: noise.source },
    });
    const images = imageBytes(await readImages(composed.model.decodeFirstStage(both, z)));
    expectSame(`${TOGETHER}/000000_x_0_1_alpha=1.25.png`, images[0]);
  });

  it('does nothing again that is finished, and more images where more are asked for', async () => {
    const made = bytes(`${BY_TEXT}/optDM.safetensors`);
    const run = await runCli(world, [...BOTH, '--alpha_list', '-1, 0.5, 2', '--json']);
    expect(run).toMatchObject({ code: 0, stderr: '' });
    const { parts } = JSON.parse(run.stdout) as { parts: Record<string, unknown>[] };
    const stages = { embedding: 'kept', weights: 'kept' };
    expect(parts).toMatchObject([
      { images: { made: 2, kept: 7 }, stages },
      { images: { made: 2, kept: 7 }, stages },
      { images: { made: 0, kept: 2 }, files: [] },
    ]);
    expect(bytes(`${BY_TEXT}/optDM.safetensors`).equals(made)).toBe(true);
  });

  it('makes an image again from what is saved, by generate --from', async () => {
    for (const path of [
      `${BY_TEXT}/0C_interText_optDM_1_alpha=0.5.png`,
      `${BY_MASK}/0A_interText_origDM_0_alpha=-1.0.png`,
      `${TOGETHER}/000000_x_0_1_alpha=1.25.png`,
    ]) {
      const run = await runCli(world, ['generate', '--from', path]);
      expect(run).toMatchObject({ code: 0 });
      expect(bytes(join('outputs/rerun', path.split('/').at(-1)!)).equals(bytes(path))).toBe(true);
    }
    const sheet = await runCli(world, ['generate', '--from', `${BY_TEXT}/contact_sheet.png`]);
    expect(sheet).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('it is a contact sheet, which is not sampled'),
    });
    const decided = await runCli(world, ['generate', '--from', `${BY_TEXT}/A_end_optText_origDM.png`, '--seed', '1']);
    expect(decided).toMatchObject({ code: 2, stderr: expect.stringContaining('--seed is decided by the image') });
  });

  it('starts from the start code, unless told to do as the original does (quirk 3)', async () => {
    const path = (folder: string) => `${folder}/text_edit/0.jpg/${TEXT}/A_start_tgtText_origDM.png`;
    const flags = ['--stage1_num_iter', '0', '--stage2_num_iter', '0', '--alpha_list', '0', '--save_checkpoint', 'no'];
    const run = await runCli(world, [
      ...[...EDIT_TEXT, ...flags, '--save-folder', 'legacy/text_edit', '--legacy_start_code', '1'],
    ]);
    expect(run).toMatchObject({ code: 0 });
    expect(bytes(path('legacy')).equals(bytes(path('outputs')))).toBe(false);
    expect(existsSync(join(world, 'legacy/text_edit/0.jpg', TEXT, 'optDM.safetensors'))).toBe(false);

    const { model, p, target } = await imagic('text', new BertTokenizer(await loadBertVocabulary()).encode([TEXT]));
    const noise = imageNoise(0, 0, [1, 16, 16, 3]);
    const z = await sampleDdim(model.denoiser(p, target), noise.start(), {
      ...{ schedule: model.schedule, steps: 2, eta: 1, noise: noise.source },
    });
    expectSame(path('legacy'), editedImageBytes(await readImages(model.decodeFirstStage(p, z)))[0]);
  });

  it('goes on after a kill and after Ctrl-C, to the very same bits', async () => {
    // Enough iterations to be stopped in between; every one is saved.
    const command = [...EDIT_TEXT, '--stage2_num_iter', '40', '--save_minutes', '0.0001'];
    const folder = `again/0.jpg/${TEXT}`;
    const part = join(world, folder, 'optDM.part.safetensors');
    const savedAt = () => (existsSync(part) ? statSync(part).mtimeMs : 0);
    const whenSaved = (signal: 'SIGKILL' | 'SIGINT') => {
      const before = savedAt();
      let wait: NodeJS.Timeout | undefined;
      return (_: string, interrupt: () => void, kill: () => void) => {
        wait ??= setInterval(() => {
          if (savedAt() === before) return;
          clearInterval(wait);
          if (signal === 'SIGINT') interrupt();
          else kill();
        }, 10);
      };
    };
    const whole = await runCli(world, [...command, '--save_folder', 'whole']);
    expect(whole).toMatchObject({ code: 0 });

    const killed = await runCli(world, [...command, '--save_folder', 'again'], whenSaved('SIGKILL'));
    expect(killed.code).not.toBe(0);
    expect(files(folder)).toContain('emb_opt.safetensors');
    expect(files(folder)).not.toContain('optDM.safetensors');

    const stopped = await runCli(world, [...command, '--save_folder', 'again'], whenSaved('SIGINT'));
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    expect(stopped.stderr).not.toContain('stage A, the embedding');
    expect(stopped.stderr).toMatch(/stage B, the weights: 40 iterations, \d+ of them done before/);
    expect(stopped.stderr).toContain('codiff: stopped; what is finished is kept');

    const refused = await runCli(world, [...command, '--save_folder', 'again', '--stage2_lr', '0.002']);
    expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('--stage2_lr was 0.001, is 0.002') });

    const finished = await runCli(world, [...command, '--save_folder', 'again']);
    expect(finished).toMatchObject({ code: 0 });
    expect(finished.stderr).toMatch(/stage B, the weights: 40 iterations, \d+ of them done before/);
    // A kill in the middle of a save may leave its hidden file.
    expect(files(folder).filter((name) => !name.startsWith('.'))).toEqual(imagicNames);
    const [path, other] = [`${folder}/optDM.safetensors`, `whole/0.jpg/${TEXT}/optDM.safetensors`];
    expect(bytes(path).equals(bytes(other))).toBe(true);
    expect(decodeRgb(bytes(`${folder}/B_end_optText_optDM.png`))).toEqual(
      decodeRgb(bytes(`whole/0.jpg/${TEXT}/B_end_optText_optDM.png`)),
    );
  });
});
