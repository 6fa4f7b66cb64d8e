import { disposeReplaced, type LatentDiffusion, type Params, Rng, roles, Scope, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectFlat, expectTensors, livelyParams, randn, useCpu } from '../../test/support.js';
import { FILES, tinyConditions, tinyLatents } from '../../test/tiny-model.js';
import { codiffRegistry } from '../config/targets.js';
import {
  adamBy,
  embeddingOf,
  embeddingStep,
  imagicAdam,
  reconstructionError,
  startEmbedding,
  startTuning,
  takeForTuning,
  weightsStep,
} from './imagic.js';
import { COLLABORATIVE_ALPHAS, IMAGIC_ALPHAS, interpolate } from './interpolate.js';
import { type NoiseDraw, noiseDraws, runTuning, type TuneEvent, type TuneState } from './tune.js';

let model: LatentDiffusion;
let p: Params;
let target: tf.Tensor3D;

beforeAll(async () => {
  await useCpu();
  const scope = Scope.root();
  model = codiffRegistry.build(FILES['text.yaml'].model, roles.branch, scope);
  p = livelyParams(scope.specs, 3);
  target = model.condition(p, tinyConditions(['text']).text!) as tf.Tensor3D;
});

const x0 = () => tinyLatents(1);
const drawAt = (t: number): NoiseDraw => ({ t: tf.tensor1d([t], 'int32'), noise: tinyLatents(2) });
const draws = (seed = 1) => noiseDraws(Rng.of(seed), [1, 4, 4, 3], 1000);

describe('stage A', () => {
  it('moves each element of the embedding by the learning rate at first, against its gradient', () => {
    const [clean, draw] = [x0(), drawAt(301)];
    const { state, loss } = embeddingStep(model, startEmbedding(target), { p, x0: clean, draw });
    expectClose(loss, reconstructionError(model, p, clean, target, draw), 1e-6);
    // Adam's first step is lr times the gradient's sign, wherever the gradient is well above epsilon.
    const moved = tf.abs(tf.sub(embeddingOf(state), target));
    expectFlat(tf.max(moved), 1e-3, 1e-5);
    const after = reconstructionError(model, p, clean, embeddingOf(state), draw);
    expect(after.dataSync()[0]).toBeLessThan(loss.dataSync()[0]!);
  });

  it('copies its start, and leaves nothing behind but its result', async () => {
    const [clean, draw] = [x0(), drawAt(301)];
    await expectTensors(0, () => {
      const state = startEmbedding(target);
      const next = embeddingStep(model, state, { p, x0: clean, draw });
      disposeReplaced(state, next);
      tf.dispose(tensorsOf(next));
    });
    expect(target.isDisposed).toBe(false);
  });
});

describe('stage B', () => {
  it('tunes the weights it is given, and no others', () => {
    const keys = ['model.diffusion_model.out.2.weight', 'model.diffusion_model.input_blocks.0.0.weight'];
    const start = startTuning(p.filter((key) => keys.includes(key)));
    const [clean, draw] = [x0(), drawAt(301)];
    const update = adamBy(imagicAdam(keys, 1e-3));
    const { state, loss } = weightsStep(model, start, { p, x0: clean, embedding: target, draw }, update);
    expect([...state.trained.keys()].sort()).toEqual(keys.sort());
    const tuned = p.merge(state.trained);
    const after = reconstructionError(model, tuned, clean, target, draw);
    expect(after.dataSync()[0]).toBeLessThan(loss.dataSync()[0]!);
    for (const key of keys) expectFlat(tf.max(tf.abs(tf.sub(tuned.get(key)!, p.get(key)!))), 1e-3, 1e-5);
  });

  it('can take the weights over instead of copying them', () => {
    const own = p.filter((key) => key === 'model.diffusion_model.out.2.bias');
    const { trained, optim } = takeForTuning(own);
    expect([...trained]).toEqual([...own]);
    expect([...optim.m.keys()]).toEqual([...own.keys()]);
    expect(startTuning(own).trained.get('model.diffusion_model.out.2.bias')).not.toBe([...own.values()][0]);
  });

  it('has the original’s learning rate unless told otherwise', () => {
    const key = 'model.diffusion_model.out.2.bias';
    const inputs = { p, x0: x0(), embedding: target, draw: drawAt(301) };
    const { state } = weightsStep(model, startTuning(p.filter((other) => other === key)), inputs);
    expectFlat(tf.max(tf.abs(tf.sub(state.trained.get(key)!, p.get(key)!))), 1e-6, 1e-7);
  });
});

describe('the loop', () => {
  const step = (state: TuneState, draw: NoiseDraw) => embeddingStep(model, state, { p, x0: tinyLatents(1), draw });
  const lossesOf = async (from: number, iterations: number, initial: TuneState) => {
    const events: TuneEvent[] = [];
    const state = await runTuning(step, initial, {
      iterations,
      from,
      draw: draws(),
      onStep: (event) => {
        events.push(event);
      },
    });
    return { state, events };
  };

  it('goes on where it stopped as if it had not', async () => {
    const whole = await lossesOf(0, 4, startEmbedding(target));
    const first = await lossesOf(0, 2, startEmbedding(target));
    const second = await lossesOf(2, 4, first.state);
    expect([...first.events, ...second.events].map(({ loss }) => loss)).toEqual(whole.events.map(({ loss }) => loss));
    expect(second.events.map(({ index }) => index)).toEqual([2, 3]);
    expectClose(embeddingOf(second.state), embeddingOf(whole.state), 0);
  });

  it('frees everything but the last state', async () => {
    const clean = tinyLatents(1);
    const run = (state: TuneState, draw: NoiseDraw) => embeddingStep(model, state, { p, x0: clean, draw });
    // Embedding, its two moments, and the number of steps.
    await expectTensors(4, () => runTuning(run, startEmbedding(target), { iterations: 2, draw: draws() }));
  });

  it('stops when told to, and at a loss that is not finite, and frees its state', async () => {
    const clean = tinyLatents(1);
    const run = (state: TuneState, draw: NoiseDraw) => embeddingStep(model, state, { p, x0: clean, draw });
    const stopped = new AbortController();
    const saved: number[] = [];
    await expectTensors(0, () =>
      expect(
        runTuning(run, startEmbedding(target), {
          iterations: 9,
          draw: draws(),
          signal: stopped.signal,
          onStep: ({ index }) => {
            if (index === 1) stopped.abort(new Error('enough'));
          },
          onStop: (state, done) => {
            saved.push(done, embeddingOf(state).size);
          },
        }),
      ).rejects.toThrow('enough'),
    );
    expect(saved).toEqual([2, target.size]);
    const broken = (state: TuneState, draw: NoiseDraw) => ({ ...run(state, draw), loss: tf.scalar(Number.NaN) });
    await expect(runTuning(broken, startEmbedding(target), { iterations: 3, draw: draws() })).rejects.toThrow(
      /loss of iteration 0 is NaN/,
    );
  });

  it('draws timesteps of the whole schedule, the same at the same iteration', () => {
    const draw = draws(4);
    const ts = Array.from({ length: 60 }, (_, i) => draw(i).t.dataSync()[0]!);
    expect(Math.min(...ts)).toBeGreaterThanOrEqual(0);
    expect(Math.min(...ts)).toBeLessThan(200);
    expect(Math.max(...ts)).toBeGreaterThan(800);
    expect(Math.max(...ts)).toBeLessThan(1000);
    expect(draws(4)(7).t.dataSync()[0]).toBe(ts[7]);
    expectClose(draws(4)(7).noise, draw(7).noise, 0);
  });
});

describe('interpolation', () => {
  it('gives the optimized embedding at 0, the target at 1, and goes on beyond', () => {
    const [to, from] = [randn<tf.Rank.R3>([1, 2, 3], 1), randn<tf.Rank.R3>([1, 2, 3], 2)];
    expectClose(interpolate(to, from, 0), from, 0);
    expectClose(interpolate(to, from, 1), to, 0);
    expectClose(interpolate(to, from, -0.5), tf.sub(tf.mul(from, 1.5), tf.mul(to, 0.5)), 1e-6);
  });

  it('has the original’s alphas', () => {
    expect(IMAGIC_ALPHAS).toHaveLength(14);
    expect(COLLABORATIVE_ALPHAS).toHaveLength(18);
    expect(COLLABORATIVE_ALPHAS.slice(-3)).toEqual([1.875, 2, 2.5]);
  });
});
