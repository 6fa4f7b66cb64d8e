import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { compile, useEngine } from '@codiff/engine';
import {
  adamStep,
  buildModel,
  initOptimState,
  initParams,
  type LatentDiffusion,
  ldmRegistry,
  type OptimState,
  type Params,
  planUpdates,
  Rng,
  roles,
  sampleDdim,
  seededNoise,
  valueAndGrad,
} from '@codiff/ldm-core';
import { loadConfig } from '@codiff/ldm-core/node';
import * as tf from '@tensorflow/tfjs-core';
import { PNG } from 'pngjs';
import { beforeAll, describe, expect, it } from 'vitest';

const CONFIG = fileURLToPath(new URL('../../parity/fixtures/configs/tiny_text.yaml', import.meta.url));
const STEPS = 10;
const LEARNING_RATE = 2e-3;
const SIZE = 64;

type State = { readonly params: Params; readonly optim: OptimState };

beforeAll(() => useEngine({ deterministic: true }));

/** Two images of a disc on a gradient, in [-1,1]. */
function images(): tf.Tensor4D {
  const pixels = new Float32Array(2 * SIZE * SIZE * 3);
  let at = 0;
  for (let b = 0; b < 2; b++)
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++) {
        const inside = Math.hypot(x - 24 - 16 * b, y - 32) < 14;
        for (let c = 0; c < 3; c++) pixels[at++] = inside ? (c === b ? 0.9 : -0.6) : (2 * x) / SIZE - 1;
      }
  return tf.tensor4d(pixels, [2, SIZE, SIZE, 3]);
}

describe('a tiny text model, from its config to a PNG', () => {
  it(`is built, trained ${STEPS} compiled steps, and sampled`, async () => {
    const config = await loadConfig(CONFIG, {
      registry: ldmRegistry,
      overrides: ['model.params.first_stage_config.params.ckpt_path=null'],
    });
    const { model, specs } = buildModel<LatentDiffusion>(config, roles.latentDiffusion, ldmRegistry);
    const all = initParams(specs, 1);
    const isTrained = (key: string) => specs.get(key)?.kind === 'parameter' && model.isTrained(key);
    const frozen = all.filter((key) => !isTrained(key));
    const trained = all.filter(isTrained);
    const plan = planUpdates(new Map([...specs].filter(([key]) => isTrained(key))), [
      { match: /./, lr: LEARNING_RATE },
    ]);

    const rng = Rng.of(7);
    const x0 = model.encodeFirstStage(all, images(), rng.split('posterior').normal([2, 16, 16, 3]) as tf.Tensor4D);
    const noise = rng.split('noise').normal([2, 16, 16, 3]) as tf.Tensor4D;
    const t = tf.tensor1d([300, 700], 'int32');
    const ids = tf.tensor2d(
      Array.from({ length: 2 * 77 }, (_, i) => (i % 77 === 0 ? 101 : 1000 + i)),
      [2, 77],
      'int32',
    );

    const step = compile(
      ({ params, optim }: State): [State, tf.Scalar] => {
        const loss = (p: Params): tf.Scalar => {
          const every = frozen.merge(p) as Params;
          return model.losses(every, { x0, t, noise, condition: model.condition(every, ids) }).loss as tf.Scalar;
        };
        const { value, grads } = valueAndGrad(loss, params);
        const next = adamStep(params, grads, optim, plan);
        return [{ params: next.params, optim: next.state }, value];
      },
      { name: 'train-step', state: 0 },
    );
    let state: State = { params: trained, optim: initOptimState(trained, plan) };
    const losses: number[] = [];
    for (let i = 0; i < STEPS; i++) {
      const [next, loss] = step(state);
      state = next;
      losses.push((await loss.data())[0]!);
      loss.dispose();
    }
    // An untrained UNet predicts 0, so the first loss is the noise's own mean square.
    expect(losses[0]).toBeCloseTo((await tf.mean(tf.square(noise)).data())[0]!, 4);
    expect(losses.at(-1)).toBeLessThan(0.9 * losses[0]!);
    expect(step.traces).toBe(1);

    const tuned = frozen.merge(state.params) as Params;
    const denoise = compile(
      (p: Params, x: tf.Tensor4D, steps: tf.Tensor1D, tokens: tf.Tensor2D) =>
        model.applyModel(p, x, steps, model.condition(p, tokens)),
      { name: 'denoise' },
    );
    const z = await sampleDdim(
      (x, step) => denoise(tuned, x, tf.tensor1d([step, step], 'int32'), ids),
      rng.split('start').normal([2, 16, 16, 3]) as tf.Tensor4D,
      { schedule: model.schedule, steps: 5, eta: 1, noise: seededNoise(rng.split('ddim')) },
    );
    expect(denoise.traces).toBe(1);
    const decode = compile((p: Params, latents: tf.Tensor4D) => model.decodeFirstStage(p, latents), { name: 'decode' });
    const image = decode(tuned, z);
    expect(image.shape).toEqual([2, SIZE, SIZE, 3]);
    const bytes = tf.tidy(() => tf.cast(tf.clipByValue(tf.mul(tf.add(image, 1), 127.5), 0, 255), 'int32'));

    const folder = mkdtempSync(join(tmpdir(), 'thin-thread-'));
    try {
      const values = await bytes.data();
      const png = new PNG({ width: SIZE, height: SIZE });
      for (let i = 0; i < SIZE * SIZE; i++)
        png.data.set([values[3 * i]!, values[3 * i + 1]!, values[3 * i + 2]!, 255], 4 * i);
      const path = join(folder, '000000_x_0.png');
      writeFileSync(path, PNG.sync.write(png));
      const read = PNG.sync.read(readFileSync(path));
      expect([read.width, read.height]).toEqual([SIZE, SIZE]);
      expect(new Set(read.data).size).toBeGreaterThan(16);
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
