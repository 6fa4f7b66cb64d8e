import { createHash } from 'node:crypto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useEngine } from '@codiff/engine';
import { applyOverrides, ConfigError, type ConfigTree, initParams, Rng, snakeize } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ImageLoggerConfig } from '../src/config/callback-configs.js';
import { PictureArguments } from '../src/config/picture-arguments.js';
import { LAYOUT } from '../src/data/layout.js';
import { ImageLogger } from '../src/images/image-logger.js';
import { composePictures, latentDiffusionPictures } from '../src/images/model-pictures.js';
import { pictureOptions } from '../src/images/picture-options.js';
import { vaePictures } from '../src/images/vae-pictures.js';
import { type BatchSource, checkTrainingConfig, synthesize, trainerRegistry } from '../src/index.js';
import type { ImageLogState } from '../src/loop/image-cadence.js';
import { buildTraining } from '../src/run/build-training.js';
import { openData, planRun } from '../src/run/prepare-run.js';
import { keptBest, runSettings } from '../src/run/run-settings.js';
import type { TrainRequest } from '../src/run/train-request.js';
import { eagerly } from '../src/steps/consume.js';
import {
  OVERRIDING,
  PICTURE_ARGUMENTS,
  PICTURE_ROWS,
  QUICK,
  type Row,
  SUBJECTS,
  type View,
} from './argument-effects.js';
import { readTree } from './configs.js';
import { syntheticSource } from './synthetic-source.js';
import { lively, tinyBatch, tinyCompose, tinyDiffusion, tinyVae, unet } from './tiny-models.js';

let folder = '';
let base: ConfigTree = {};

/** The places of a data set in the names that the table uses. */
const places = (root: string): string[][] => [
  [`${root}/image`, `${root}/${LAYOUT.image(48)}`],
  [`${root}/captions.json`, `${root}/${LAYOUT.text}`],
  [`${root}/mask`, `${root}/${LAYOUT.mask}`],
  [`${root}/sketch`, `${root}/${LAYOUT.sketch}`],
];

/** An override of the table with folders as they are. */
const placed = (override: string): string =>
  [...places('FACES'), ...places('OTHERS')]
    .reduce((text, [name, path]) => text.replaceAll(name!, path!), override)
    .replaceAll(/FACES|OTHERS/g, (name) => join(folder, name));

beforeAll(async () => {
  await useEngine({ device: 'cpu', deterministic: true, threads: 1 });
  folder = mkdtempSync(join(tmpdir(), 'effects-'));
  await synthesize({ n: 6, size: 48, seed: 1, out: join(folder, 'FACES') });
  await synthesize({ n: 6, size: 48, seed: 2, out: join(folder, 'OTHERS') });
  const data = (split: string, phase: string) => [
    `data.params.${split}.params.im_preprocessor_config.params={size: 32, phase: ${phase}}`,
    `data.params.${split}.params.test_dataset_size=2`,
    `data.params.${split}.params.conditions=[text, seg_mask]`,
    `data.params.${split}.params.image_folder=FACES/image`,
    `data.params.${split}.params.text_file=FACES/captions.json`,
    `data.params.${split}.params.mask_folder=FACES/mask`,
    `data.params.${split}.params.sketch_folder=FACES/sketch`,
  ];
  base = applyOverrides(
    readTree('packages/parity/fixtures/configs/tiny_text.yaml'),
    [
      ...data('train', 'train'),
      ...data('validation', 'val'),
      'data.params.num_workers=0',
      'data.params.wrap=false',
      'lightning.callbacks.image_logger.params={batch_frequency: 4, max_images: 2, increase_log_steps: false}',
    ].map(placed),
  );
});
afterAll(() => rmSync(folder, { recursive: true }));

type Outcome = { readonly refused: readonly string[] } | { readonly seen: string; readonly said: readonly string[] };

const hash = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex').slice(0, 12);

const hashed = (values: Float32Array | Int32Array): string =>
  hash(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));

const outcomes = new Map<string, Promise<Outcome>>();

/** {@link compute}, once for each question: many rows start from the same arguments. */
function outcomeOf(view: View, overrides: readonly string[]): Promise<Outcome> {
  const question = JSON.stringify([view, overrides]);
  const outcome = outcomes.get(question) ?? compute(view, overrides);
  outcomes.set(question, outcome);
  return outcome;
}

async function compute(view: View, overrides: readonly string[]): Promise<Outcome> {
  try {
    const config = checkTrainingConfig(applyOverrides(base, overrides.map(placed)));
    const { unapplied, ...settings } = runSettings(config);
    if (view === 'batches') return { seen: JSON.stringify(await batches(config)), said: unapplied };
    if (view === 'pictures') return { seen: JSON.stringify(await logged(settings.imageLogger!)), said: unapplied };
    const { checkpoint, ...others } = settings;
    const followed = { ...others, keep: keptBest(checkpoint), monitor: checkpoint.monitor, mode: checkpoint.mode };
    return { seen: JSON.stringify(followed), said: unapplied };
  } catch (error) {
    if (error instanceof ConfigError) return { refused: error.problems.map(({ path }) => path) };
    throw error;
  }
}

/** Every batch of an epoch of each data set, as training takes them. */
async function batches(config: TrainRequest['config']): Promise<unknown> {
  const notes: string[] = [];
  const request: TrainRequest = {
    config,
    run: { folder, checkpoints: folder, configs: folder, testtube: folder, now: '' },
    seed: 5,
    scaleLr: false,
    devices: 1,
    saveEvery: 0,
    strict: true,
    onNote: (line) => notes.push(line),
    onEvent: () => undefined,
  };
  const data = await openData(request, await planRun(request));
  const read = async (source: BatchSource | undefined): Promise<unknown> => {
    const seen: unknown[] = [];
    for await (const batch of source?.epoch(0, 0) ?? []) {
      seen.push(Object.entries(batch).map(([key, { values, shape }]) => [key, shape, hashed(values)]));
    }
    return seen;
  };
  try {
    return [data.samples, await read(data.train), await read(data.validation), await read(data.test)];
  } finally {
    await data.close();
  }
}

/** Every file and event that the logger writes in steps of two batches each. */
async function logged(config: ImageLoggerConfig): Promise<unknown> {
  const at = mkdtempSync(join(folder, 'logger-'));
  const events: unknown[] = [];
  const memory: { imageLog: ImageLogState | null } = { imageLog: null };
  const { model, training, specs } = tinyVae();
  const params = initParams(specs, 1);
  const pictures = vaePictures(model, 'image', pictureOptions(config.logImagesKwargs, false), eagerly);
  const logger = new ImageLogger({
    config,
    make: pictures,
    training,
    seed: 1,
    folder: at,
    memory,
    log: {
      scalars: async () => undefined,
      text: async () => undefined,
      image: async (step, name, { png }) => void events.push([step, name, hash(png)]),
      close: async () => undefined,
    },
  });
  const divided = training.divide(params);
  for await (const { image, ...batch } of syntheticSource(1).epoch(0, 0)) {
    // Values beyond the range of images.
    const values = Float32Array.from(image!.values, (value) => 1.5 * value);
    for (let batchIndex = 0; batchIndex < 10; batchIndex++) {
      const globalStep = Math.floor(batchIndex / 2);
      const moment = { split: 'train', globalStep, batchIndex, epoch: 0 } as const;
      await logger.at(moment, divided, { image: { ...image!, values }, ...batch });
    }
  }
  tf.dispose([...training.weights(divided).values()]);
  const images = join(at, 'images', 'train');
  const files =
    memory.imageLog === null ? [] : readdirSync(images).map((file) => [file, hash(readFileSync(join(images, file)))]);
  return [files, events];
}

function judge({ effect }: Row, before: Outcome, after: Outcome, path: string): void {
  if (effect === 'refused') {
    expect(before).not.toHaveProperty('refused');
    expect(after).toEqual({ refused: [path] });
    return;
  }
  if ('refused' in before || 'refused' in after) throw new Error(`refused: ${JSON.stringify([before, after])}`);
  expect(after.seen === before.seen ? 'same' : 'output').toBe(effect === 'output' ? 'output' : 'same');
  expect(after.said).toEqual(
    effect === 'said' ? [...before.said, expect.stringContaining(path.split('.').at(-1)!)] : before.said,
  );
}

describe.each([...SUBJECTS, OVERRIDING])('$target at $at', ({ target, at, view, listed, rows }) => {
  const below = (override: string): string => `${at}.${override}`;

  it('has a row for every argument that section 19.8 lists, and takes no others', () => {
    const { schema } = trainerRegistry.targets.find(({ id }) => id === target)!;
    expect(Object.keys(schema.shape).map(snakeize).sort()).toEqual([...listed].sort());
    expect([...new Set(rows.map(({ argument }) => argument))].sort()).toEqual([...listed].sort());
  });

  it.each(rows)('$argument: $effect ($change, given $given)', async (row) => {
    const given = row.given.map(below);
    const before = await outcomeOf(view, given);
    judge(row, before, await outcomeOf(view, [...given, below(row.change)]), `${at}.${row.argument}`);
  });

  it('refuses an argument that it does not have, with its path and a suggestion', () => {
    const misspelt = `${listed[0] ?? 'argument'}x`;
    try {
      checkTrainingConfig(applyOverrides(base, [below(`${misspelt}=1`)]));
      expect.unreachable();
    } catch (error) {
      expect(error).toBeInstanceOf(ConfigError);
      expect((error as ConfigError).problems).toEqual([
        {
          path: `${at}.${misspelt}`,
          message: `unknown key '${misspelt}'`,
          suggestion: expect.stringContaining(listed[0] === undefined ? 'no keys' : `did you mean '${listed[0]}'?`),
        },
      ]);
    }
  });
});

it('leaves out no target of this package', () => {
  const theirs = trainerRegistry.targets.filter(({ id }) => !/^(ldm\.m|torch\.|taming\.)/.test(id));
  const schedules = ['ldm.lr_scheduler.LambdaWarmUpCosineScheduler2', 'ldm.lr_scheduler.LambdaLinearScheduler'];
  const covered = [...SUBJECTS.map(({ target }) => target), ...schedules];
  expect(theirs.map(({ id }) => id).sort()).toEqual(covered.sort());
});

/** A small model of each kind, and what makes its pictures. */
const makers = {
  vae(kwargs: Readonly<Record<string, unknown>>, params: object = {}) {
    const { model, specs } = tinyVae({}, params);
    return { specs, make: vaePictures(model, 'image', pictureOptions(kwargs, false), eagerly) };
  },
  text(kwargs: Readonly<Record<string, unknown>>, params: object = {}) {
    const { model, specs } = tinyDiffusion('text', {}, { ...small, ...params });
    const options = pictureOptions({ ddim_steps: 3, ...kwargs }, false);
    return { specs, make: latentDiffusionPictures(model, { options, compile: eagerly, readTokens }) };
  },
  codiff(kwargs: Readonly<Record<string, unknown>>, params: object = {}) {
    const { model, specs } = tinyCompose({}, { ...small, ...params });
    const options = pictureOptions({ ddim_steps: 3, ...kwargs }, true);
    return { specs, make: composePictures(model, { options, compile: eagerly, readTokens }) };
  },
};
const small = { image_size: 4, timesteps: 8, log_every_t: 5 };
const readTokens = (ids: Int32Array) => [...ids].join(' ');

const made = new Map<string, Promise<string>>();

/** The pictures of a small model, once for each question. */
function picturesOf(model: keyof typeof makers, kwargs: Readonly<Record<string, unknown>>, params: object = {}) {
  const question = JSON.stringify([model, kwargs, params]);
  const answer = made.get(question) ?? drawn(makers[model](kwargs, params));
  made.set(question, answer);
  return answer;
}

async function drawn({ specs, make }: ReturnType<(typeof makers)['vae']>): Promise<string> {
  const weights = initParams(specs, 1).map(lively);
  const batch = tinyBatch();
  try {
    const pictures = await make(weights, batch, Rng.of(4));
    const entries = Object.entries(pictures).map(([key, { images }]) => [key, images.shape, hashed(images.values)]);
    return JSON.stringify(entries);
  } finally {
    weights.dispose();
    tf.dispose(Object.values(batch));
  }
}

describe('log_images', () => {
  it('has a row for every argument, and takes no others by name', () => {
    const covered = new Set(PICTURE_ROWS.map(({ argument }) => argument));
    expect(PICTURE_ARGUMENTS.filter((argument) => !covered.has(argument))).toEqual([]);
    const known = [...Object.keys(PictureArguments.shape), 'quantize_denoised'];
    expect(known.sort()).toEqual([...PICTURE_ARGUMENTS].sort());
  });

  it.each(PICTURE_ROWS)('$model, $argument: $effect ($change)', async ({ model, change, effect, given }) => {
    const [before, after] = [await picturesOf(model, given), await picturesOf(model, { ...given, ...change })];
    expect(after === before ? 'same' : 'output').toBe(effect);
  });
});

describe('what models carry to the trainer', () => {
  it.each([
    ['text', { image_size: 8 }],
    ['text', { log_every_t: 3 }],
    ['codiff', { image_size: 8 }],
    ['codiff', { log_every_t: 3 }],
  ] as const)('pictures of %s: %j', async (model, params) => {
    expect(await picturesOf(model, QUICK, params)).not.toBe(await picturesOf(model, QUICK));
  });

  it.each([
    ['text', { channels: 4 }, /4.*3|3.*4/s],
    ['codiff', { channels: 4 }, /4.*3|3.*4/s],
  ] as const)('pictures of %s with latents of %j do not fit a UNet of 3', async (model, params, wanted) => {
    await expect(picturesOf(model, QUICK, params)).rejects.toThrow(wanted);
  });
  const controlOf = () => ({ seed: Rng.of(1).toTensor(), globalStep: tf.scalar(0, 'int32') });

  it.each([
    ['text', tinyDiffusion('text', {}, { first_stage_key: 'picture' }), /'picture' are wanted \(first_stage_key\)/],
    ['text', tinyDiffusion('text', {}, { cond_stage_key: 'words' }), /'words' \(cond_stage_key\)/],
    ['codiff', tinyCompose({}, { first_stage_key: 'picture' }), /'picture' are wanted \(first_stage_key\)/],
  ])('training %s by another batch key names it', (_, { training, specs }, wanted) => {
    const { state, frozen } = training.divide(initParams(specs, 1));
    expect(() => training.evaluate(state, frozen, tinyBatch(), controlOf())).toThrow(wanted);
  });

  it('noises and passes over rules as num_timesteps_cond and manual_prob say, a draw a batch', () => {
    const compose = { confidence_input: 'x_t', seg_mask_scale_factor: 9, confidence_map_predictor_config: unet(1) };
    const target = 'ldm.models.diffusion.compose_modules.ComposeUNet';
    const lossOf = (params: object, more: object = {}) => {
      const { training, specs } = tinyCompose(
        {},
        { ...params, compose_unet_config: { target, params: { ...compose, ...more } } },
      );
      const { state, frozen } = training.divide(initParams(specs, 1).map(lively));
      return tf.tidy(() => {
        const logs = training.evaluate(state, frozen, tinyBatch(), controlOf());
        return Object.values(logs).map((value) => value.dataSync()[0]!);
      });
    };
    const plain = lossOf({});
    expect(lossOf({})).toEqual(plain);
    expect(lossOf({ num_timesteps_cond: 5 })).not.toEqual(plain);
    const never = lossOf({}, { manual_prob: -1 });
    expect(never).not.toEqual(plain);
    // Every pass of a validation has a draw of its own: with one half, some apply the rules.
    for (const probability of [0.01, 0.99]) {
      const some = lossOf({}, { manual_prob: probability });
      some.forEach((loss, i) => {
        expect([plain[i], never[i]]).toContain(loss);
      });
    }
    expect(lossOf({}, { manual_prob: 0.999999 })).toEqual(plain);
  });

  const settingsOf = async (config: string, ...overrides: string[]) => {
    const tree = applyOverrides(readTree(`packages/parity/fixtures/configs/${config}.yaml`), overrides);
    const built = buildTraining(checkTrainingConfig(tree), 1e-3, {});
    return [built.monitor, built.lrFactor?.(3) ?? null, built.captionLength];
  };
  const SCHEDULE =
    'model.params.scheduler_config={target: ldm.lr_scheduler.LambdaLinearScheduler, params: {warm_up_steps: [6], f_min: [1], f_max: [1], f_start: [0], cycle_lengths: [50]}}';

  it.each(['tiny_vae', 'tiny_mask', 'tiny_codiff_mask_text'])('rank and rates of %s', async (config) => {
    const files = ['tiny_mask', 'tiny_text'].map(
      (name) => [`configs/${name}.yaml`, readTree(`packages/parity/fixtures/configs/${name}.yaml`)] as const,
    );
    const read = (...overrides: string[]) => {
      const tree = applyOverrides(readTree(`packages/parity/fixtures/configs/${config}.yaml`), overrides);
      const linked = config === 'tiny_codiff_mask_text' ? { model_files: Object.fromEntries(files) } : {};
      const built = buildTraining(checkTrainingConfig({ ...tree, ...linked }), 1e-3, {});
      return [built.monitor, built.lrFactor?.(3) ?? null];
    };
    const [monitor] = read();
    expect(read('model.params.monitor=val/other')).toEqual(['val/other', null]);
    expect(read('model.params.monitor=')).toEqual([null, null]);
    expect(read(SCHEDULE)).toEqual([monitor, 0.5]);
  });

  it('ids in place of texts', async () => {
    expect(await settingsOf('tiny_text')).toContain(77);
    await expect(settingsOf('tiny_text', 'model.params.cond_stage_config.params.use_tokenizer=false')).rejects.toThrow(
      /use_tokenizer is false/,
    );
  });
});
