import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  codiffRegistry,
  composeRoles,
  imageBytes,
  type LatentDiffusionCompose,
  readImages,
  sampleConfidence,
} from '@codiff/codiff';
import { useEngine } from '@codiff/engine';
import { BertTokenizer, buildModel, loadParams } from '@codiff/ldm-core';
import { loadBertVocabulary, loadConfig, openCheckpointFile } from '@codiff/ldm-core/node';
import { readSketch } from '@codiff/trainer';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageNoise } from '../src/generate/image-noise.js';
import { oneHotMask, readMask } from '../src/generate/mask.js';
import { decodeRgb, encodeRgb } from '../src/generate/png/rgb.js';
import { runCli } from './run-cli.js';
import { MASK, tinyWorld, writeFormula } from './tiny-models.js';

const TEXT = 'A man.';
const CONFIG = 'configs/tiny_codiff_three.yaml';
const CHECKPOINT = 'pretrained/tiny_codiff_three.ckpt';

let world = '';
beforeAll(async () => {
  world = await tinyWorld([]);
  const two = readFileSync(join(world, 'configs/tiny_codiff_mask_text.yaml'), 'utf8');
  const all = 'conditions: [seg_mask, text, sketch]';
  const three = two
    .replace(
      /( +)text_ldm_config_path:/,
      `$1${all}\n$1sketch_ldm_config_path: configs/tiny_mask.yaml\n$1text_ldm_config_path:`,
    )
    .replace(/( +)confidence_input:/, `$1${all}\n$1confidence_input:`)
    .replace(/(compose_cond_stage_config:\n( +)target: .*\n)(?: +params: .*\n)?/, `$1$2params: { ${all} }\n`);
  writeFileSync(join(world, CONFIG), three);
  // A cross, which shrinks to one.
  const values = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => {
    const [x, y] = [Math.floor(i / 3) % 64, Math.floor(i / 192)];
    return Math.abs(x - y) < 4 || Math.abs(x + y - 64) < 4 ? 0 : 255;
  });
  writeFileSync(join(world, 'sketch.png'), encodeRgb({ values, height: 64, width: 64, channels: 3 }));
  await useEngine({ device: 'cpu', deterministic: true });
});
afterAll(() => rmSync(world, { recursive: true }));

const FLAGS = ['--config_path', CONFIG, '--ckpt_path', CHECKPOINT, '--mask_path', MASK, '--input_text', TEXT];

describe('codiff generate with three modalities', { timeout: 600_000 }, () => {
  it('draws what mask, text and sketch agree on, with three influence maps', async () => {
    const config = await loadConfig(CONFIG, { registry: codiffRegistry, root: world });
    const { model, specs } = buildModel<LatentDiffusionCompose>(config, composeRoles.collaborative, codiffRegistry);
    expect(model.conditions).toEqual(['seg_mask', 'text', 'sketch']);
    await writeFormula(join(world, CHECKPOINT), specs);
    const run = await runCli(world, [
      ...['generate', ...FLAGS, '--sketch_path', 'sketch.png', '--save_folder', 'outputs', '--seed', '4'],
      ...['--batch_size', '1', '--ddim_steps', '2', '--return_influence_function', '1', '--device', 'cpu', '--report'],
    ]);
    expect(run).toMatchObject({ code: 0 });
    const folder = join(world, 'outputs/3.png', TEXT);
    const maps = ['seg_mask', 'sketch', 'text'].map((name) => `000000_${name}_influence_function.png`);
    expect(readdirSync(folder).sort()).toEqual([...maps, '000000_x_0.png', '3.png', 'report.html'].sort());
    const page = readFileSync(join(folder, 'report.html'), 'utf8');
    expect(page).toMatch(/<img src="data:image\/png;base64,[^"]+" alt="sketch sketch\.png">/);
    expect(page.match(/<canvas/g)).toHaveLength(3);

    const checkpoint = await openCheckpointFile(join(world, CHECKPOINT));
    const { params: p } = await loadParams(specs, checkpoint);
    await checkpoint.close();
    const sketch = await readSketch(join(world, 'sketch.png'));
    const sample = async (values: Float32Array) => {
      const contexts = model.encodeConditions(p, {
        seg_mask: oneHotMask(await readMask(MASK)),
        text: new BertTokenizer(await loadBertVocabulary()).encode([TEXT]),
        sketch: tf.tensor3d(values, [1, 1, 1024]),
      });
      const noise = imageNoise(4, 0, [1, 16, 16, 3]);
      const z = await sampleConfidence(model, p, contexts, noise.start(), { steps: 2, eta: 1, noise: noise.source });
      return imageBytes(await readImages(model.decodeFirstStage(p, z)))[0]!.values;
    };
    const found = decodeRgb(readFileSync(join(folder, '000000_x_0.png'))).values;
    const distance = (other: Uint8Array) => Math.max(...found.map((level, i) => Math.abs(level - other[i]!)));
    expect(distance(await sample(sketch))).toBeLessThanOrEqual(1);
    expect(distance(await sample(new Float32Array(1024)))).toBeGreaterThan(1);

    const again = await runCli(world, ['generate', '--from', join(folder, '000000_x_0.png'), '--quiet']);
    expect(again).toMatchObject({ code: 0 });
    const rerun = readFileSync(join(world, 'outputs/rerun/3.png', TEXT, '000000_x_0.png'));
    expect(rerun.equals(readFileSync(join(folder, '000000_x_0.png')))).toBe(true);
  });

  it('says which modality is missing, or too many', async () => {
    const without = await runCli(world, ['generate', ...FLAGS]);
    expect(without).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^codiff: .*also wants a sketch; give it by --sketch_path.*\n$/),
    });
    writeFileSync(join(world, 'sketch.pt'), 'no tensor');
    const damaged = await runCli(world, ['generate', ...FLAGS, '--sketch_path', 'sketch.pt']);
    expect(damaged).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(/^codiff: --sketch_path: sketch\.pt: .*\n$/),
    });
  });
});
