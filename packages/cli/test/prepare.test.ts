import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { codiffRegistry, specsOf } from '@codiff/codiff';
import type { ParamSpec } from '@codiff/ldm-core';
import { convertCheckpoint, loadConfig } from '@codiff/ldm-core/node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mask2imageDefaults } from '../src/commands/mask2image.js';
import { text2imageDefaults } from '../src/commands/text2image.js';
import { neededSpecs, UNNEEDED } from '../src/generate/needed-weights.js';
import { encodeRgb } from '../src/generate/png/rgb.js';
import { prepare } from '../src/generate/prepare.js';
import { type CommandDefaults, type RequestFlags, requestOf } from '../src/generate/request.js';
import { rerunRequest } from '../src/generate/rerun-request.js';
import { InputError } from '../src/input-error.js';
import { UsageError } from '../src/usage-error.js';
import { MASK, tinyConfig, tinyWorld, writeFormula } from './tiny-models.js';

let world = '';
const before = process.cwd();
beforeAll(async () => {
  world = await tinyWorld(['text', 'mask']);
  process.chdir(world);
  const black = (side: number) =>
    encodeRgb({ values: new Uint8Array(side ** 2 * 3), height: side, width: side, channels: 3 });
  for (const side of [128, 512]) writeFileSync(`mask_${side}.png`, black(side));
});
afterAll(() => {
  process.chdir(before);
  rmSync(world, { recursive: true });
});

const text: RequestFlags = { config_path: 'configs/tiny_text.yaml', ckpt_path: 'pretrained/tiny_text.ckpt' };
const mask: RequestFlags = {
  config_path: 'configs/tiny_mask.yaml',
  ckpt_path: 'pretrained/tiny_mask.ckpt',
  mask_path: MASK,
};

/** What is said to a request that has to fail. */
async function refusal(defaults: CommandDefaults, flags: RequestFlags): Promise<string> {
  const error: unknown = await prepareAll(defaults, flags).then(
    () => new Error('was accepted'),
    (caught: unknown) => caught,
  );
  expect(error).toSatisfy((each) => each instanceof InputError || each instanceof UsageError);
  const { message } = error as Error;
  expect(message).not.toContain('\n');
  expect(existsSync('outputs')).toBe(false);
  return message;
}

async function prepareAll(defaults: CommandDefaults, flags: RequestFlags): Promise<string> {
  const { folder, open } = await prepare(requestOf(defaults, flags));
  await open.weights.close();
  await folder.discardIfEmpty();
  return folder.path;
}

describe('a good request', () => {
  it('has its folder, and leaves nothing behind if it is not run', async () => {
    expect(await prepareAll(text2imageDefaults, text)).toBe(`outputs/512_text2image/${text2imageDefaults.text}`);
    expect(await prepareAll(mask2imageDefaults, { ...mask, enable_freeu: false })).toBe(
      'outputs/512_mask2image_without_freeu/3.png',
    );
    // The size of the published masks goes with any model.
    expect(await prepareAll(mask2imageDefaults, { ...mask, mask_path: 'mask_512.png' })).toContain('mask_512.png');
    expect(existsSync('outputs')).toBe(false);
  });

  it('takes from the files of its config only what the checkpoint lacks (quirk 2)', async () => {
    const specs = specsOf(await tinyConfig('text'));
    const part = (keep: (key: string) => boolean) => new Map([...specs].filter(([key]) => keep(key)));
    const isFirstStage = (key: string) => key.startsWith('first_stage_model.');
    await writeFormula(
      'pretrained/no_vae.ckpt',
      part((key) => !isFirstStage(key)),
    );
    const flags = { ...text, ckpt_path: 'pretrained/no_vae.ckpt' };
    expect(await refusal(text2imageDefaults, flags)).toMatch(
      /missing from the file: first_stage_model\..*names files for them that are not there: pretrained\/tiny_vae\.ckpt\)$/,
    );
    await writeFormula('pretrained/vae_part.ckpt', part(isFirstStage));
    await convertCheckpoint('pretrained/vae_part.ckpt', 'pretrained/tiny_vae.ckpt', {
      stripPrefix: 'first_stage_model.',
    });
    expect(await prepareAll(text2imageDefaults, flags)).toContain('outputs/512_text2image');
    rmSync('pretrained/tiny_vae.ckpt');
  });
});

it('refuses a measured scale where the config gives a number, and takes it where the config leaves it open', async () => {
  const scale: ParamSpec = {
    ...specsOf(await tinyConfig('text')).get('betas')!,
    key: 'scale_factor',
    shape: [],
    init: { kind: 'constant', value: 0.9 },
  };
  const specs = new Map([...specsOf(await tinyConfig('text')), ['scale_factor', scale]]);
  await writeFormula('pretrained/scaled.ckpt', specs);
  const flags = { ...text, ckpt_path: 'pretrained/scaled.ckpt' };
  expect(await refusal(text2imageDefaults, flags)).toContain("set 'scale_factor: auto' under model.params");
  const config = readFileSync('configs/tiny_text.yaml', 'utf8').replace(/scale_factor: .*/, 'scale_factor: auto');
  writeFileSync('configs/scaled.yaml', config);
  expect(await prepareAll(text2imageDefaults, { ...flags, config_path: 'configs/scaled.yaml' })).toContain('outputs/');
});

describe('a request', () => {
  it("has the original's defaults, and a seed of its own", () => {
    const request = requestOf(text2imageDefaults, {});
    expect(request).toMatchObject({
      config: { path: 'configs/512_text.yaml', isDefault: true },
      checkpoint: { path: 'pretrained/512_text.ckpt', isDefault: true },
      text: 'This man has beard of medium length. He is in his thirties.',
      batches: [{ first: 0, size: 4 }],
      folder: 'outputs/512_text2image',
      extras: { z: false, steps: false, influence: false, mixed: false },
    });
    expect(requestOf(text2imageDefaults, {}).seed).not.toBe(request.seed);
    expect(requestOf(text2imageDefaults, { seed: 0 }).seed).toBe(0);
  });

  it('writes images over the mask for mask2image alone, unless told (quirk 8)', () => {
    expect(requestOf(mask2imageDefaults, {}).extras.mixed).toBe(true);
    expect(requestOf(mask2imageDefaults, { save_mixed: false }).extras.mixed).toBe(false);
  });

  it('has batches for all images, and a folder by FreeU', () => {
    expect(requestOf(text2imageDefaults, { num_samples: 5, batch_size: 2 }).batches).toEqual([
      { first: 0, size: 2 },
      { first: 2, size: 2 },
      { first: 4, size: 1 },
    ]);
    expect(requestOf(text2imageDefaults, { enable_freeu: true, s2: 0.5 })).toMatchObject({
      folder: 'outputs/512_text2image_with_freeu',
      freeU: { enabled: true, b1: 1.1, b2: 1.2, s1: 1, s2: 0.5 },
    });
    const without = requestOf(text2imageDefaults, { enable_freeu: false });
    expect(without.folder).toBe('outputs/512_text2image_without_freeu');
    expect(requestOf(text2imageDefaults, { enable_freeu: true, seed: 2 }).seed).toBe(2);
  });
});

describe('is refused in one line, nothing written', () => {
  it.each<[string, CommandDefaults, RequestFlags, RegExp]>([
    [
      'a default that is not there',
      text2imageDefaults,
      {},
      /512_text\.yaml \(the default of --config_path\) is not there.*test_data\/demo\//,
    ],
    [
      'no mask',
      mask2imageDefaults,
      { ...mask, mask_path: undefined },
      /27007\.png \(the default of --mask_path\) is not there; wanted a mask such as test_data\/demo\/mask_512\.png/,
    ],
    [
      'a mask of another size',
      mask2imageDefaults,
      { ...mask, mask_path: 'mask_128.png' },
      /^mask_128\.png: the mask is 128x128; wanted 64x64 as the model's images are, or 512x512 as CelebAMask-HQ's masks are$/,
    ],
    [
      'no checkpoint',
      text2imageDefaults,
      { ...text, ckpt_path: 'x.ckpt' },
      /^x\.ckpt \(--ckpt_path\) is not there; wanted the checkpoint.*test_data\/demo\//,
    ],
    [
      'a folder as checkpoint',
      text2imageDefaults,
      { ...text, ckpt_path: 'configs' },
      /^configs \(--ckpt_path\) is not a file/,
    ],
    [
      'another kind of config',
      text2imageDefaults,
      { ...text, config_path: 'configs/tiny_mask.yaml' },
      /is a model of masks, for mask2image; text2image wants/,
    ],
    [
      'a VAE',
      mask2imageDefaults,
      { ...mask, config_path: 'configs/tiny_vae.yaml' },
      /the config is of ldm\.models\.autoencoder\.AutoencoderKL; mask2image wants a model of masks/,
    ],
    [
      'a checkpoint of another config',
      text2imageDefaults,
      { ...text, ckpt_path: 'pretrained/tiny_mask.ckpt' },
      /tiny_mask\.ckpt: the weights are not those of this model; .* missing from the file: cond_stage_model\.transformer.*\(the config is configs\/tiny_text\.yaml\)$/,
    ],
    [
      'a damaged checkpoint',
      text2imageDefaults,
      { ...text, ckpt_path: 'configs/tiny_text.yaml' },
      /^configs\/tiny_text\.yaml: /,
    ],
    [
      'a config that is no YAML',
      text2imageDefaults,
      { ...text, config_path: 'pretrained/tiny_text.ckpt' },
      /^pretrained\/tiny_text\.ckpt: config: /,
    ],
    ['an empty text', text2imageDefaults, { ...text, input_text: '' }, /is empty/],
    ['a long text', text2imageDefaults, { ...text, input_text: 'a '.repeat(5000) }, /10000 characters/],
    ['another script', text2imageDefaults, { ...text, negative_text: 'очки' }, /^--negative_text holds 'о'/],
    ['no steps', text2imageDefaults, { ...text, ddim_steps: '0' }, /--ddim_steps is '0'; wanted .* 1 to 500, or 1000/],
    ['too many steps', text2imageDefaults, { ...text, ddim_steps: '501' }, /--ddim_steps is '501'/],
    ['eta for plms', text2imageDefaults, { ...text, sampler: 'plms', eta: 1 }, /plms adds no noise/],
    [
      'factors of FreeU without it',
      text2imageDefaults,
      { ...text, s1: 0.5 },
      /--s1 has an effect with --enable_freeu only/,
    ],
    [
      'a scale without a text',
      text2imageDefaults,
      { ...text, guidance_scale: 3 },
      /--guidance_scale needs --negative_text/,
    ],
    [
      'a text for a model of masks',
      mask2imageDefaults,
      { ...mask, negative_text: 'A beard.' },
      /^--negative_text: the model of mask2image reads a mask and no text, so .*; leave it out, or run generate$/,
    ],
    [
      'a batch beyond memory',
      text2imageDefaults,
      { ...text, batch_size: 1000, memory_limit: 100 },
      /^a batch of 1000 does not fit into memory: to decode it takes more than 3500 MiB, and 100 are free; wanted a smaller --batch_size, e\.g\. 28$/,
    ],
    [
      'a folder that cannot be made',
      text2imageDefaults,
      { ...text, save_folder: 'configs/tiny_text.yaml/x' },
      /cannot be written/,
    ],
  ])('%s', async (_, defaults, flags, message) => {
    expect(await refusal(defaults, flags)).toMatch(message);
  });

  it('an image without a recipe, or with flags that the recipe has', async () => {
    const again = (image: string, flags: RequestFlags = {}) => rerunRequest(image, flags, () => ({ mixed: false }));
    await expect(again(MASK)).rejects.toThrow(/3\.png: the image carries no recipe; wanted an image that/);
    await expect(again(MASK, { seed: 3 })).rejects.toThrow(/--seed is decided by the image of --from/);
    await expect(again('nothing.png')).rejects.toThrow(/^nothing\.png \(--from\) is not there/);
    await expect(again('configs/tiny_text.yaml')).rejects.toThrow(/not a PNG file/);
  });
});

describe("the authors' checkpoints", () => {
  const root = join(import.meta.dirname, '../../..');

  it.each(['256_text', '256_mask', '256_codiff_mask_text', '512_text', '512_mask', '512_codiff_mask_text'])(
    'hold what sampling needs, and nothing unexpected: %s',
    async (name) => {
      const keys = JSON.parse(
        readFileSync(join(root, `packages/parity/fixtures/state_dict_keys/${name}.json`), 'utf8'),
      ) as { state_dict: Record<string, unknown> };
      const specs = specsOf(await loadConfig(`configs/${name}.yaml`, { registry: codiffRegistry, root }));
      const needed: ReadonlyMap<string, ParamSpec> = neededSpecs(specs);
      const stored = Object.keys(keys.state_dict);
      expect([...needed.keys()].filter((key) => !stored.includes(key))).toEqual([]);
      const unexpected = stored.filter((key) => !needed.has(key) && !UNNEEDED.some((pattern) => pattern.test(key)));
      expect(unexpected).toEqual([]);
      // The encoder half of the first stage, the schedule and the unread heads stay on the disk.
      expect(needed.size).toBeLessThan(stored.length);
      expect([...needed.keys()].some((key) => /encoder\.|to_logits|betas/.test(key))).toBe(false);
    },
  );
});
