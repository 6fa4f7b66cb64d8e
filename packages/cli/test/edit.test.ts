import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
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
  specsOf,
  startEmbedding,
  startTuning,
  weightsStep,
  withBranchUNet,
} from '@codiff/codiff';
import { type EngineInfo, useEngine } from '@codiff/engine';
import {
  BertTokenizer,
  buildModel,
  guided,
  type LatentDiffusion,
  loadParams,
  type Params,
  Rng,
  roles,
  sampleDdim,
} from '@codiff/ldm-core';
import { loadBertVocabulary, loadConfig, openCheckpointFile } from '@codiff/ldm-core/node';
import { decodeImage } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { text2imageDefaults } from '../src/commands/text2image.js';
import { readEditRecipe } from '../src/edit/edit-recipe.js';
import { prepareCollaborative } from '../src/edit/prepare-collaborative.js';
import { prepareImagic } from '../src/edit/prepare-imagic.js';
import { bothRequests, collaborativeRequest, imagicRequest } from '../src/edit/requests.js';
import { runCollaborative } from '../src/edit/run-collaborative.js';
import { runImagic } from '../src/edit/run-imagic.js';
import { type EditSession, inSession } from '../src/edit/session.js';
import { runInTurn } from '../src/edit/tune-both.js';
import { type HandledFlags, handle } from '../src/generate/handle.js';
import { imageNoise } from '../src/generate/image-noise.js';
import { oneHotMask, readMask } from '../src/generate/mask.js';
import { decodeRgb } from '../src/generate/png/rgb.js';
import { Progress } from '../src/generate/progress.js';
import { Interrupted } from '../src/interrupted.js';
import { runCli } from './run-cli.js';
import { MASK, type TinyModel, tinyConfig, tinyWorld, writeFormula } from './tiny-models.js';

const TEXT = 'He is a teen.';
const IMAGE = fileURLToPath(new URL('../../parity/fixtures/dataset/image/image_64/0.jpg', import.meta.url));
const TUNING = { embedding: { lr: 0.01, iterations: 2 }, weights: { lr: 0.001, iterations: 2 } };
const SAMPLING = ['--ddim_steps', '2', '--device', 'cpu'];
const TUNING_FLAGS = [
  ...['--stage1_lr', '0.01', '--stage1_num_iter', '2', '--stage2_lr', '0.001', '--stage2_num_iter', '2'],
  ...['--alpha_list', '-1, 0.5', ...SAMPLING],
];
const BOTH = [
  ...['edit', 'both', '--image', IMAGE, '--text', TEXT, '--mask', MASK, '--save_folder', 'outputs', ...TUNING_FLAGS],
  ...['--text_config', 'configs/tiny_text.yaml', '--text_ckpt', 'pretrained/tiny_text.ckpt'],
  ...['--mask-config', 'configs/tiny_mask.yaml', '--mask-ckpt', 'pretrained/tiny_mask.ckpt'],
  ...['--config_path', 'configs/tiny_codiff_mask_text.yaml', '--ckpt_path', 'pretrained/tiny_codiff_mask_text.ckpt'],
  ...['--collaborative_alpha_list', '0, 1.25', '--seed', '0', '--collaborative_seed', '2'],
];
const EDIT_TEXT = [
  ...['edit', 'text', '--config', 'configs/tiny_text.yaml', '--ckpt', 'pretrained/tiny_text.ckpt'],
  ...['--input_image_path', IMAGE, '--text_prompt', TEXT, ...TUNING_FLAGS],
];
/** The same as values of flags. */
const TUNED = {
  ...{ stage1_lr: 0.01, stage1_num_iter: 2, stage2_lr: 0.001, stage2_num_iter: 2 },
  ...{ alpha_list: '-1, 0.5', ddim_steps: '2' },
};
const BOTH_FLAGS = {
  ...{ image: IMAGE, text: TEXT, mask: MASK, save_folder: 'outputs', collaborative_alpha_list: '0, 1.25' },
  ...{ text_config: 'configs/tiny_text.yaml', text_ckpt: 'pretrained/tiny_text.ckpt' },
  ...{ mask_config: 'configs/tiny_mask.yaml', mask_ckpt: 'pretrained/tiny_mask.ckpt' },
  ...{ config_path: 'configs/tiny_codiff_mask_text.yaml', ckpt_path: 'pretrained/tiny_codiff_mask_text.ckpt' },
};
/** Where there are two models to compute side by side. */
const TWO = Math.min(2, availableParallelism());
const MEMORY_LIMIT = 8192;
const BY_TEXT = `outputs/text_edit/0.jpg/${TEXT}`;
const BY_MASK = 'outputs/mask_edit/0.jpg/3.png';
const TOGETHER = 'outputs/collaborative_edit/seed=2';

let world = '';
let info: EngineInfo;
const before = process.cwd();
beforeAll(async () => {
  world = await tinyWorld(['text', 'mask', 'codiff_mask_text']);
  process.chdir(world);
  tf.enableProdMode();
  info = await useEngine({ device: 'cpu', deterministic: true, memoryLimitMiB: MEMORY_LIMIT });
});
afterAll(() => {
  process.chdir(before);
  rmSync(world, { recursive: true });
});

/** The tiny text model with one level in its UNet, which traces and compiles faster. */
async function smallModel(): Promise<{ readonly config: string; readonly ckpt: string }> {
  const paths = { config: 'configs/small_text.yaml', ckpt: 'pretrained/small_text.ckpt' };
  const small = readFileSync(join(world, 'configs/tiny_text.yaml'), 'utf8')
    .replace(/(attention_resolutions:\s*- )2/, '$11')
    .replace(/(channel_mult:\s*- 1)\s*- 2\n/, '$1\n');
  writeFileSync(paths.config, small);
  const specs = specsOf(await loadConfig(paths.config, { registry: codiffRegistry }));
  await writeFormula(paths.ckpt, specs);
  return paths;
}

/** What a run of the command has, but for the process. */
const session = (notes: string[] = []): EditSession => ({
  info,
  signal: new AbortController().signal,
  note: (text) => notes.push(text),
  progress: (total) => new Progress(total, process.stderr, true),
});

/** A progress bar after whose n-th step a user presses Ctrl-C. */
const interruptedAt = (n: number) => (total: number) => {
  let done = 0;
  const bar = new Progress(total, process.stderr, true);
  const step = bar.step.bind(bar);
  bar.step = () => {
    step();
    if (++done === n) process.emit('SIGINT');
  };
  return bar;
};

/** `codiff edit text` in this process. */
async function editText(flags: Parameters<typeof imagicRequest>[1], within = session()) {
  const prepared = await prepareImagic(
    imagicRequest('text', {
      ...{ config: 'configs/tiny_text.yaml', ckpt: 'pretrained/tiny_text.ckpt' },
      ...{ input_image_path: IMAGE, text_prompt: TEXT, ...TUNED, ...flags },
    }),
  );
  try {
    return await runImagic(prepared, within);
  } finally {
    await prepared.open.weights.close();
  }
}

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
  const startCode = (image: number) => {
    const first = rng.split('start code');
    return (image === 0 ? first : first.split(image)).normal<tf.Rank.R4>(latent);
  };
  const sample = async (params: Params, alpha: number, image = 0) => {
    const denoise = model.denoiser(params, interpolate(target, optimized, alpha));
    const noise = imageNoise(0, image, latent).source;
    const z = await sampleDdim(denoise, startCode(image), { schedule: model.schedule, steps: 2, eta: 1, noise });
    return editedImageBytes(await readImages(model.decodeFirstStage(params, z)))[0];
  };
  return { model, p, x0, target, optimized, trained, sample };
}

/** The edit by {@link TEXT}. */
const byText = async () => imagic('text', new BertTokenizer(await loadBertVocabulary()).encode([TEXT]));

// Four runs of the command, one of which is killed; the rest in this process, which has the engine up.
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

    const text = await byText();
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

  it('both says one line of what is wrong, and stops at Ctrl-C with what is finished', async () => {
    const refused = await runCli(world, [...BOTH, '--save_folder', 'stopped', '--device', 'gpu:99']);
    expect(refused).toMatchObject({ code: 2, stdout: '' });
    expect(refused.stderr).toMatch(/^codiff: --device gpu:99: .*\n$/);
    expect(existsSync(join(world, 'stopped'))).toBe(false);

    const folder = `stopped/text_edit/0.jpg/${TEXT}`;
    let wait: NodeJS.Timeout | undefined;
    const stopped = await runCli(
      world,
      [...BOTH, '--save_folder', 'stopped', '--stage1_num_iter', '100000', '--save_minutes', '0.0001'],
      (_, interrupt) => {
        wait ??= setInterval(() => {
          if (!existsSync(join(world, folder, 'emb_opt.part.safetensors'))) return;
          clearInterval(wait);
          interrupt();
        }, 20);
      },
    );
    clearInterval(wait);
    expect(stopped).toMatchObject({ code: 130, stdout: '' });
    expect(stopped.stderr).toMatch(/^codiff: stopped; what is finished is kept, and the same command goes on$/m);
    expect(files(folder)).toContain('emb_opt.part.safetensors');
    expect(existsSync(join(world, 'stopped/collaborative_edit'))).toBe(false);
  });

  it('does nothing again that is finished, and more images where more are asked for', async () => {
    const made = bytes(`${BY_TEXT}/optDM.safetensors`);
    const stages = { embedding: 'kept', weights: 'kept' };
    const requests = bothRequests({ ...TUNED, ...BOTH_FLAGS });
    const [text, mask] = [await prepareImagic(requests.text), await prepareImagic(requests.mask)];
    const [textDone, maskDone] = await runInTurn(text, mask, session());
    const folderOf = ({ folder }: typeof textDone) => ({ path: folder, isDefault: false });
    const folders = { text: folderOf(textDone), mask: folderOf(maskDone) };
    const both = await prepareCollaborative({ ...requests.together, ...folders }, () => undefined);
    const together = await runCollaborative(both, session());
    for (const { open } of [text, mask, both]) await open.weights.close();
    // No seed is given: each has that of what is there.
    expect([textDone, maskDone, together]).toMatchObject([
      { seed: 0, images: { made: 0, kept: 7 }, stages, files: [] },
      { seed: 0, images: { made: 0, kept: 7 }, stages, files: [] },
      { seed: 2, images: { made: 0, kept: 2 }, files: [] },
    ]);
    const more = await editText({ alpha_list: '-1, 0.5, 2', save_folder: 'outputs/text_edit' });
    expect(more).toMatchObject({ images: { made: 2, kept: 7 }, stages });
    const twice = await editText({ alpha_list: '0.5', num_samples: 2, save_folder: 'outputs/text_edit' });
    // Place 0 in the list is another alpha than before.
    expect(twice).toMatchObject({ images: { made: 4, kept: 3 }, stages });
    const second = `${BY_TEXT}/0C_interText_optDM_0_alpha=0.5_000001.png`;
    const { p, trained, sample } = await byText();
    expectSame(second, await sample(p.merge(trained), 0.5, 1));
    expect(bytes(second).equals(bytes(`${BY_TEXT}/0C_interText_optDM_0_alpha=0.5.png`))).toBe(false);
    expect(bytes(`${BY_TEXT}/optDM.safetensors`).equals(made)).toBe(true);
  });

  it('collaborative runs both models of a step side by side, and its images come out again to the bit', async () => {
    const run = await runCli(world, [
      ...['edit', 'collaborative', '--imagic_text_folder', BY_TEXT, '--imagic_mask_folder', BY_MASK, ...SAMPLING],
      ...['--config_path', BOTH_FLAGS.config_path, '--ckpt_path', BOTH_FLAGS.ckpt_path],
      ...['--alpha_list', '1.25', '--save_folder', 'aside', '--seed', '2'],
    ]);
    expect(run).toMatchObject({ code: 0 });
    const path = 'aside/seed=2/000000_x_0_0_alpha=1.25.png';
    // To the bit, recipe included, but for the place in the list.
    expect(decodeRgb(bytes(path))).toEqual(decodeRgb(bytes(`${TOGETHER}/000000_x_0_1_alpha=1.25.png`)));
    expect(await readEditRecipe(`${TOGETHER}/000000_x_0_1_alpha=1.25.png`)).toMatchObject({ branches: TWO });
    const recipe = await readEditRecipe(path);
    expect(recipe).toMatchObject({ command: 'edit collaborative', branches: TWO });
    const again = await runCli(world, ['generate', '--from', path, '--save_folder', 'aside/again', '--quiet']);
    expect(again).toEqual({ code: 0, stdout: '', stderr: '' });
    expect(bytes('aside/again/000000_x_0_0_alpha=1.25.png').equals(bytes(path))).toBe(true);
  });

  it('makes an image again from what is saved, by generate --from', async () => {
    const rerun = (from: string, flags: HandledFlags = {}) =>
      handle(text2imageDefaults, { from, quiet: true, memory_limit: MEMORY_LIMIT, ...flags });
    for (const path of [
      `${BY_TEXT}/0C_interText_optDM_1_alpha=0.5.png`,
      `${BY_TEXT}/0C_interText_optDM_0_alpha=0.5_000001.png`,
      `${BY_MASK}/0A_interText_origDM_0_alpha=-1.0.png`,
    ]) {
      await rerun(path);
      expect(bytes(join('outputs/rerun', path.split('/').at(-1)!)).equals(bytes(path))).toBe(true);
    }
    await expect(rerun(`${BY_TEXT}/contact_sheet.png`)).rejects.toThrow('it is a contact sheet, which is not sampled');
    await expect(rerun(`${BY_TEXT}/A_end_optText_origDM.png`, { seed: 1 })).rejects.toThrow(
      '--seed is decided by the image',
    );
  });

  it('steers away from a text, in an edit by text and in one by both', async () => {
    const away = { negative_text: 'She wears glasses.', guidance_scale: 3 };
    await editText({
      ...{ stage1_num_iter: 0, stage2_num_iter: 0, alpha_list: '0', save_checkpoint: false },
      ...{ save_folder: 'away', seed: 0, ...away },
    });
    const path = `away/0.jpg/${TEXT}/A_start_tgtText_origDM.png`;
    const { model, p, target } = await byText();
    const ids = new BertTokenizer(await loadBertVocabulary()).encode([away.negative_text.toLowerCase()]);
    const denoise = guided((x, t, cond: tf.Tensor3D, step) => model.denoiser(p, cond)(x, t, step), {
      ...{ cond: target, uncond: model.condition(p, ids) as tf.Tensor3D, scale: 3 },
    });
    const latent: [number, number, number, number] = [1, 16, 16, 3];
    const z = await sampleDdim(denoise, Rng.of(0).split('edit').split('start code').normal(latent), {
      ...{ schedule: model.schedule, steps: 2, eta: 1, noise: imageNoise(0, 0, latent).source },
    });
    expectSame(path, editedImageBytes(await readImages(model.decodeFirstStage(p, z)))[0]);
    const plain = { quiet: true, memory_limit: MEMORY_LIMIT };
    await handle(text2imageDefaults, { from: path, save_folder: 'away/again', ...plain });
    expect(bytes('away/again/A_start_tgtText_origDM.png').equals(bytes(path))).toBe(true);

    const together = async (guidance_scale: number) => {
      const prepared = await prepareCollaborative(
        collaborativeRequest({
          ...{ imagic_text_folder: BY_TEXT, imagic_mask_folder: BY_MASK, ddim_steps: '2', alpha_list: '1.25' },
          ...{ config_path: BOTH_FLAGS.config_path, ckpt_path: BOTH_FLAGS.ckpt_path },
          ...{ ...away, guidance_scale, seed: 2, save_folder: `away/${guidance_scale}` },
        }),
        () => undefined,
      );
      await runCollaborative(prepared, session());
      await prepared.open.weights.close();
      return `away/${guidance_scale}/seed=2/000000_x_0_0_alpha=1.25.png`;
    };
    const unguided = decodeRgb(bytes(`${TOGETHER}/000000_x_0_1_alpha=1.25.png`));
    // With a scale of 1 nothing is left of the text to steer away from.
    expectSame(await together(1), unguided);
    const guidedPath = await together(3);
    expect(decodeRgb(bytes(guidedPath))).not.toEqual(unguided);
    expect(await readEditRecipe(guidedPath)).toMatchObject({ negativeText: away.negative_text, guidanceScale: 3 });
  });

  it('starts from the start code, unless told to do as the original does (quirk 3)', async () => {
    const path = (folder: string) => `${folder}/text_edit/0.jpg/${TEXT}/A_start_tgtText_origDM.png`;
    await editText({
      ...{ stage1_num_iter: 0, stage2_num_iter: 0, alpha_list: '0', save_checkpoint: false },
      ...{ save_folder: 'legacy/text_edit', legacy_start_code: true, seed: 0 },
    });
    expect(bytes(path('legacy')).equals(bytes(path('outputs')))).toBe(false);
    expect(existsSync(join(world, 'legacy/text_edit/0.jpg', TEXT, 'optDM.safetensors'))).toBe(false);

    const { model, p, target } = await byText();
    const noise = imageNoise(0, 0, [1, 16, 16, 3]);
    const z = await sampleDdim(model.denoiser(p, target), noise.start(), {
      ...{ schedule: model.schedule, steps: 2, eta: 1, noise: noise.source },
    });
    expectSame(path('legacy'), editedImageBytes(await readImages(model.decodeFirstStage(p, z)))[0]);
  });

  it('goes on after a kill and after Ctrl-C, to the very same bits', async () => {
    // Enough iterations to be stopped in between; every one is saved.
    const ITERATIONS = 12;
    const small = await smallModel();
    const again = { ...small, stage2_num_iter: ITERATIONS, save_folder: 'again', alpha_list: '0.5' };
    const folder = `again/0.jpg/${TEXT}`;
    const part = join(world, folder, 'optDM.part.safetensors');

    let wait: NodeJS.Timeout | undefined;
    const killed = await runCli(
      world,
      [
        // No seed: one is drawn, and taken again by all that go on.
        ...[...EDIT_TEXT, '--stage2_num_iter', String(ITERATIONS), '--alpha_list', '0.5', '--save_folder', 'again'],
        ...['--save_minutes', '0.0001', '--config', small.config, '--ckpt', small.ckpt],
      ],
      (_, __, kill) => {
        wait ??= setInterval(() => {
          if (existsSync(part)) kill();
        }, 5);
      },
    );
    clearInterval(wait);
    expect(killed.code).not.toBe(0);
    expect(files(folder)).toContain('emb_opt.safetensors');
    expect(files(folder)).not.toContain('optDM.safetensors');

    const notes: string[] = [];
    const stopped = inSession(
      { precision: 'float32', device: 'cpu', memoryLimit: MEMORY_LIMIT, quiet: true },
      (within) => editText(again, { ...within, note: (text) => notes.push(text), progress: interruptedAt(2) }),
    );
    await expect(stopped).rejects.toThrow(Interrupted);
    await expect(stopped).rejects.toThrow('stopped; what is finished is kept, and the same command goes on');
    expect(notes[0]).toBe('stage A: kept (emb_opt.safetensors)');
    expect(notes[1]).toMatch(/^stage B, the weights: 12 iterations, \d+ of them done before$/);
    const doneBefore = (note: string | undefined) => Number(/(\d+) of them/.exec(note ?? '')?.[1]);

    await expect(editText({ ...again, seed: 0 })).rejects.toThrow(/--seed was \d+, is 0; give --force/);
    await expect(editText({ ...again, stage2_lr: 0.002 })).rejects.toThrow('--stage2_lr was 0.001, is 0.002');

    const last: string[] = [];
    const { seed } = await editText(again, session(last));
    expect(seed).not.toBe(0);
    await editText({ ...again, seed, save_folder: 'whole' });
    expect(doneBefore(last[1])).toBe(doneBefore(notes[1]) + 2);
    // A kill in the middle of a save may leave its hidden file.
    const made = files(folder).filter((name) => !name.startsWith('.'));
    expect(made).toEqual(files(`whole/0.jpg/${TEXT}`));
    expect(made).toHaveLength(imagicNames.length - 2);
    const [path, other] = [`${folder}/optDM.safetensors`, `whole/0.jpg/${TEXT}/optDM.safetensors`];
    expect(bytes(path).equals(bytes(other))).toBe(true);
    expect(decodeRgb(bytes(`${folder}/B_end_optText_optDM.png`))).toEqual(
      decodeRgb(bytes(`whole/0.jpg/${TEXT}/B_end_optText_optDM.png`)),
    );
  });
});
