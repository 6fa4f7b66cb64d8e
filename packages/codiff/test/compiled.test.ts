import { compile, useEngine } from '@codiff/engine';
import { type LatentDiffusion, type Params, Rng, roles, Scope, seededNoise } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  type ComposeInputs,
  type ComposeOptions,
  type Contexts,
  codiffRegistry,
  embeddingOf,
  embeddingStep,
  noiseDraws,
  recordMixes,
  runTuning,
  sampleConfidence,
  startEmbedding,
  startTuning,
  type TuneState,
  weightsStep,
} from '../src/index.js';
import { expectClose, expectMaxRel, expectTensors, livelyParams } from './support.js';
import { FILES, tinyConditions, tinyLatents, tinyModel } from './tiny-model.js';

beforeAll(async () => {
  await useEngine({ device: 'cpu' });
});

describe('a compiled collaborative step', () => {
  it('is traced once for all steps, prompts and images, and gives what the plain one gives', async () => {
    const { model, params } = tinyModel();
    const embeddings = model.encodeConditions(params, tinyConditions());
    const contexts = model.contextKeys(params, embeddings);
    const others = model.contextKeys(params, { ...embeddings, text: tf.neg(embeddings.text!) as tf.Tensor3D });
    const step = compile((p: Params, inputs: ComposeInputs, options: ComposeOptions) => model.mix(p, inputs, options));
    const xT = tinyLatents(1);
    const run = (given: Contexts, more: object = {}) =>
      sampleConfidence(model, params, given, xT, {
        steps: 3,
        eta: 1,
        noise: seededNoise(Rng.of(1)),
        ...more,
      });
    const [plainMaps, maps] = [recordMixes({ branches: true }), recordMixes({ branches: true })];
    const plain = await run(contexts, plainMaps);
    expectMaxRel(await run(contexts, { step, onMix: maps.onMix }), plain, 1e-5);
    for (const [i, map] of maps.influence.seg_mask!.entries()) {
      expectClose(map, plainMaps.influence.seg_mask![i]!, 1e-5);
      expectMaxRel(maps.branches.text![i]!, plainMaps.branches.text![i]!, 1e-5);
    }
    expectMaxRel(await run(others, { step }), await run(others), 1e-5);
    expect(step.traces).toBe(1);
    await expectTensors(1, () => run(others, { step }));
  });
});

describe('compiled tuning, which consumes its state', () => {
  const latents = (): { model: LatentDiffusion; p: Params; target: tf.Tensor3D; x0: tf.Tensor4D } => {
    const scope = Scope.root();
    const model = codiffRegistry.build(FILES['text.yaml'].model, roles.branch, scope);
    const p = livelyParams(scope.specs, 3);
    return { model, p, target: model.condition(p, tinyConditions(['text']).text!) as tf.Tensor3D, x0: tinyLatents(1) };
  };
  const run = { iterations: 3, draw: noiseDraws(Rng.of(2), [1, 4, 4, 3], 1000) };

  it('of the embedding is the plain one', async () => {
    const { model, p, target, x0 } = latents();
    const step = (state: TuneState, draw: ReturnType<typeof run.draw>) => embeddingStep(model, state, { p, x0, draw });
    const plain = await runTuning(step, startEmbedding(target), run);
    const compiled = compile(step, { state: 0 });
    const fast = await runTuning(compiled, startEmbedding(target), run);
    expectClose(embeddingOf(fast), embeddingOf(plain), 2e-5);
    expect(compiled.traces).toBe(1);
    await expectTensors(4, () => runTuning(compiled, startEmbedding(target), run));
  });

  it('of the weights is the plain one', async () => {
    const { model, p, target, x0 } = latents();
    const start = () => startTuning(p.filter((key) => key.startsWith('model.diffusion_model.out.')));
    const step = (state: TuneState, draw: ReturnType<typeof run.draw>) =>
      weightsStep(model, state, { p, x0, embedding: target, draw });
    const plain = await runTuning(step, start(), run);
    const compiled = compile(step, { state: 0 });
    const fast = await runTuning(compiled, start(), run);
    for (const [key, tensor] of plain.trained) expectClose(fast.trained.get(key), tensor, 2e-7);
    expect(compiled.traces).toBe(1);
  });
});
