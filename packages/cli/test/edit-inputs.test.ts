import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Params, Rng } from '@codiff/ldm-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkBranchFits } from '../src/edit/branches.js';
import { FILES } from '../src/edit/imagic-files.js';
import { checkCollaborative, prepareCollaborative } from '../src/edit/prepare-collaborative.js';
import { prepareImagic } from '../src/edit/prepare-imagic.js';
import { bothRequests, collaborativeRequest, imagicRequest } from '../src/edit/requests.js';
import { stageRecord } from '../src/edit/stage-record.js';
import { writeTensors } from '../src/edit/tensor-files.js';
import { tuneBoth } from '../src/edit/tune-both.js';
import { saveTunedModel } from '../src/edit/tuned-model.js';
import { encodeRgb } from '../src/generate/png/rgb.js';
import { InputError } from '../src/input-error.js';
import { UsageError } from '../src/usage-error.js';
import { MASK, tinyWorld } from './tiny-models.js';

const IMAGE = fileURLToPath(new URL('../../parity/fixtures/dataset/image/image_64/0.jpg', import.meta.url));
type TextFlags = Parameters<typeof imagicRequest>[1];

let world = '';
const before = process.cwd();
beforeAll(async () => {
  tf.enableProdMode();
  await tf.setBackend('cpu');
  world = await tinyWorld(['text', 'mask', 'codiff_mask_text']);
  process.chdir(world);
  writeFileSync(
    'rgb.png',
    encodeRgb({ values: new Uint8Array(64 * 64 * 3).fill(7), height: 64, width: 64, channels: 3 }),
  );
  writeFileSync('small.png', encodeRgb({ values: new Uint8Array(32 * 32 * 3), height: 32, width: 32, channels: 3 }));
  writeFileSync('no.jpg', 'no image');
  mkdirSync('half/edit', { recursive: true });
});
afterAll(() => {
  process.chdir(before);
  rmSync(world, { recursive: true });
});

const text: TextFlags = {
  config: 'configs/tiny_text.yaml',
  ckpt: 'pretrained/tiny_text.ckpt',
  input_image_path: IMAGE,
  text_prompt: 'He is a teen.',
};
const mask: TextFlags = {
  config: 'configs/tiny_mask.yaml',
  ckpt: 'pretrained/tiny_mask.ckpt',
  input_image_path: IMAGE,
  mask_path: MASK,
};

/** What is said to an edit that has to fail: one line, and nothing is left. */
async function refusal(run: () => Promise<{ readonly open: { readonly weights: { close(): Promise<void> } } }>) {
  const error: unknown = await run().then(
    async ({ open }) => {
      await open.weights.close();
      return new InputError('was accepted');
    },
    (caught: unknown) => caught,
  );
  expect(error).toSatisfy((each) => each instanceof InputError || each instanceof UsageError, String(error));
  const { message } = error as Error;
  expect(message).not.toContain('\n');
  expect(existsSync('outputs')).toBe(false);
  return message;
}

const imagic = (modality: 'text' | 'mask', flags: TextFlags) =>
  refusal(async () => prepareImagic(imagicRequest(modality, flags)));

describe('edit text and edit mask refuse in one line', () => {
  it.each<[string, TextFlags, RegExp]>([
    [
      'an image that is not there',
      { input_image_path: undefined },
      /27044\.jpg \(the default of --input_image_path\) is not there; .*test_data\/demo\/image_256\.png/,
    ],
    ['what is no image', { input_image_path: 'no.jpg' }, /no\.jpg \(--input_image_path\): is no whole JPEG or PNG/],
    [
      'an image of another size',
      { input_image_path: 'small.png' },
      /small\.png .* is 32x32, and the model's images are 64x64/,
    ],
    ['an empty prompt', { text_prompt: ' ' }, /--text_prompt is empty/],
    ['a long prompt', { text_prompt: 'word '.repeat(2000) }, /--text_prompt has 10000 characters/],
    ['a prompt in other letters', { text_prompt: '他是青年' }, /--text_prompt holds '他'/],
    ['a prompt that leads elsewhere', { text_prompt: '../../x' }, /--text_prompt .* would lead out/],
    [
      'a config of masks',
      { config: 'configs/tiny_mask.yaml' },
      /the config is a model of masks, .*; edit text wants a model of texts/,
    ],
    ['a checkpoint of another model', { ckpt: 'pretrained/tiny_mask.ckpt' }, /the weights are not those of this model/],
    ['no checkpoint', { ckpt: undefined }, /256_text\.ckpt \(the default of --ckpt\) is not there/],
    ['an empty negative text', { negative_text: '' }, /^--negative_text is empty/],
    ['a scale without a text', { guidance_scale: 3 }, /--guidance_scale needs --negative_text/],
    ['no step', { ddim_steps: '0' }, /--ddim_steps is '0'/],
    ['501 steps', { ddim_steps: '501' }, /--ddim_steps is '501'; wanted a whole number from 1 to 500, or 1000/],
    ['noise that plms does not add', { sampler: 'plms', eta: 0.5 }, /plms adds no noise/],
    ['a learning rate of 0', { stage2_lr: 0 }, /--stage2_lr is 0; wanted a number above 0/],
    ['alphas that are no numbers', { alpha_list: '0, x' }, /--alpha_list holds 'x'/],
    ['a folder below a file', { save_folder: 'no.jpg' }, /no\.jpg.*cannot be written/],
    [
      'memory that is not there',
      { memory_limit: 1, device: 'cpu' },
      /does not fit into memory: it takes more than \d+ MiB, and 1 are free/,
    ],
  ])('%s', async (_, flags, expected) => {
    expect(await imagic('text', { ...text, ...flags })).toMatch(expected);
  });

  it.each<[string, TextFlags, RegExp]>([
    [
      'a mask that is not there',
      { mask_path: undefined },
      /remove_smile_and_rings\.png \(the default of --mask_path\) is not there; .*edited_mask_256\.png/,
    ],
    ['a mask of foreign colours', { mask_path: 'rgb.png' }, /the mask is RGB and has the colour \(7,7,7\)/],
    [
      'a mask of another size',
      { mask_path: 'small.png' },
      /small\.png: the mask is 32x32; wanted 64x64 as the model's images are, or 512x512 /,
    ],
    [
      'a text for a model of masks',
      { negative_text: 'A beard.' },
      /^--negative_text: the model of edit mask reads a mask and no text, .* run edit text or edit collaborative$/,
    ],
    ['a mask that is no PNG', { mask_path: IMAGE }, /the mask is not a PNG file/],
  ])('%s', async (_, flags, expected) => {
    expect(await imagic('mask', { ...mask, ...flags })).toMatch(expected);
  });

  it('files of another edit, naming all that differs', async () => {
    const prepared = await prepareImagic(imagicRequest('text', text));
    const { settings, folder, open } = prepared;
    await open.weights.close();
    const tensor = new Map([['emb_opt', Rng.of(1).normal([1, 77, 32])]]);
    const other = { ...settings, seed: 5, text: 'Another.', weights: { lr: 1, iterations: 1 } };
    await writeTensors(join(folder.path, FILES.optimized), tensor, stageRecord('embedding', other, 500));
    const refused = await prepareImagic(imagicRequest('text', { ...text, seed: 0 })).catch(
      (error: unknown) => error as Error,
    );
    // Stage B's settings do not concern stage A.
    expect((refused as Error).message).toMatch(
      /emb_opt\.safetensors is of another edit: the text was 'Another\.', is 'He is a teen\.', --seed was 5, is 0; give --force/,
    );
    const forced = await prepareImagic(imagicRequest('text', { ...text, force: true }));
    expect(forced.stages).toEqual({ embedding: 'new', weights: 'new' });
    await forced.open.weights.close();
    await writeTensors(join(folder.path, FILES.optimized), tensor);
    const unknown = await prepareImagic(imagicRequest('text', text)).catch((error: unknown) => error as Error);
    expect((unknown as Error).message).toMatch(/nothing says which edit it is of/);
    await writeTensors(join(folder.path, FILES.optimized), tensor, stageRecord('embedding', settings, 500));
    await writeTensors(join(folder.path, FILES.partWeights), tensor, stageRecord('weights', settings, 7));
    const found = await prepareImagic(imagicRequest('text', text));
    expect(found.stages).toEqual({ embedding: 'finished', weights: { done: 7 } });
    await found.open.weights.close();
    rmSync('outputs', { recursive: true });
  });
});

describe('edit collaborative and edit both refuse in one line', () => {
  const flags: Parameters<typeof collaborativeRequest>[0] = {
    config_path: 'configs/tiny_codiff_mask_text.yaml',
    ckpt_path: 'pretrained/tiny_codiff_mask_text.ckpt',
  };

  it('a folder without a finished edit', async () => {
    const message = await refusal(() => prepareCollaborative(collaborativeRequest(flags), () => undefined));
    expect(message).toMatch(
      /text_edit.* \(the default of --imagic_text_folder\) holds no emb_tgt\.safetensors; .*codiff edit text first/,
    );
    const half = { ...flags, imagic_text_folder: 'half/edit' };
    writeFileSync('half/edit/emb_tgt.pt', '');
    expect(await refusal(() => prepareCollaborative(collaborativeRequest(half), () => undefined))).toMatch(
      /half\/edit \(--imagic_text_folder\) holds no emb_opt\.safetensors/,
    );
  });

  it('edits that are exchanged, and such as the collaborative model has no place for', async () => {
    const make = async (kind: 'text' | 'mask', embedding: readonly number[]) => {
      const prepared = await prepareImagic(
        imagicRequest(kind, { ...{ text, mask }[kind], save_folder: 'made', force: true }),
      );
      const { path } = prepared.folder;
      for (const name of ['emb_tgt', 'emb_opt']) {
        await writeTensors(join(path, `${name}.safetensors`), new Map([[name, tf.zeros([...embedding])]]));
      }
      await saveTunedModel(
        join(path, FILES.weights),
        prepared.open,
        new Params(),
        stageRecord('weights', prepared.settings, 1000),
      );
      await prepared.open.weights.close();
      return path;
    };
    const [byText, byMask] = [await make('text', [1, 77, 32]), await make('mask', [1, 19, 32])];
    const refused = (imagic_text_folder: string, imagic_mask_folder: string) =>
      refusal(() =>
        prepareCollaborative(
          collaborativeRequest({ ...flags, imagic_text_folder, imagic_mask_folder, save_folder: 'together' }),
          () => undefined,
        ),
      );
    expect(await refused(byMask, byText)).toMatch(
      /3\.png \(--imagic_text_folder\) holds an edit by mask; .*this one by --imagic_mask_folder/,
    );
    expect(await refused(byText, byMask)).toBe('was accepted');
    await make('mask', [1, 77, 32]);
    expect(await refused(byText, byMask)).toMatch(/emb_tgt\.safetensors holds \[1,77,32\]; wanted .* \[1,19,32\]/);
    await make('mask', [1, 19, 32]);
    await writeTensors(join(byMask, FILES.weights), new Map([['model.x', tf.zeros([1])]]));
    expect(await refused(byText, byMask)).toMatch(
      /optDM\.safetensors does not fit .*: it has no model\.seg_mask_unet\./,
    );
    rmSync('made', { recursive: true });
    rmSync('together', { recursive: true, force: true });
  });

  it('models that do not go together, before either is tuned', async () => {
    const { open } = await prepareImagic(imagicRequest('text', { ...text, save_folder: 'made' }));
    await open.weights.close();
    const request = imagicRequest('text', text);
    const composed = await checkCollaborative(collaborativeRequest(flags));
    expect(() => checkBranchFits({ request, open }, 'both.yaml', composed)).not.toThrow();
    const widened = new Map(
      [...composed.specs].map(([key, spec]) =>
        key.endsWith('_unet.diffusion_model.out.2.bias') ? [key, { ...spec, shape: [4] }] : [key, spec],
      ),
    );
    expect(() => checkBranchFits({ request, open }, 'both.yaml', { specs: widened })).toThrow(
      /tiny_text\.yaml and both\.yaml do not go together: model\.text_unet\..*out\.2\.bias is \[3\] in the one and \[4\]/,
    );
    rmSync('made', { recursive: true });
  });

  it('a folder that the last of the three cannot have, before the first', async () => {
    mkdirSync('taken');
    writeFileSync('taken/collaborative_edit', '');
    const inputs = { image: IMAGE, text: 'A man.', mask: MASK, save_folder: 'taken', ...flags };
    const error = await tuneBoth(bothRequests(inputs)).catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(InputError);
    expect((error as Error).message).toMatch(
      /^taken\/collaborative_edit: cannot be written: .* give another --save_folder$/,
    );
    expect(existsSync('taken/text_edit')).toBe(false);
    rmSync('taken', { recursive: true });
  });

  it('an edit by both without one of its inputs', () => {
    const all = { image: IMAGE, text: 'A man.', mask: MASK };
    for (const name of ['image', 'text', 'mask'] as const) {
      expect(() => bothRequests({ ...all, [name]: undefined })).toThrow(new RegExp(`needs --${name}`));
    }
  });
});

describe('the requests', () => {
  it("have the original's defaults", () => {
    expect(imagicRequest('text', {})).toMatchObject({
      config: { path: 'configs/256_text.yaml', isDefault: true },
      checkpoint: { path: 'pretrained/256_text.ckpt' },
      image: { path: 'test_data/test_mask_edit/256_input_image/27044.jpg' },
      text: 'He is a teen. The face is covered with short pointed beard.',
      folder: 'outputs/text_edit',
      seed: undefined,
      embedding: { lr: 1e-3, iterations: 500 },
      weights: { lr: 1e-6, iterations: 1000 },
      setRandomSeed: false,
      saveCheckpoint: true,
    });
    expect(imagicRequest('text', {}).alphas).toHaveLength(14);
    const { alphas, batches, folder, bySeed, text, mask } = collaborativeRequest({});
    expect([alphas.length, batches, folder, bySeed]).toEqual([
      18,
      [{ first: 0, size: 1 }],
      'outputs/collaborative_edit',
      true,
    ]);
    expect([text.path, mask.path]).toEqual([
      'outputs/text_edit/27044.jpg/He is a teen. The face is covered with short pointed beard.',
      'outputs/mask_edit/27044.jpg/27044_0_remove_smile_and_rings.png',
    ]);
  });
});
