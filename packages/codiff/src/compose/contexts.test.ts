import { guidedPair, sampleDdim, tensorsOf } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectTensors, randn, useCpu } from '../../test/support.js';
import { type Tiny, tinyConditions, tinyLatents, tinyModel } from '../../test/tiny-model.js';
import { mixDenoiser } from '../mix-denoiser.js';
import { type Contexts, joinContexts, repeatContexts } from './contexts.js';

let tiny: Tiny;

beforeAll(async () => {
  await useCpu();
  tiny = tinyModel();
});

const embeddings = () => tiny.model.encodeConditions(tiny.params, tinyConditions());

describe('repeating', () => {
  it('gives every image of a batch what one image would get', () => {
    const { model, params } = tiny;
    const contexts = model.contextKeys(params, embeddings());
    const one = model.mix(params, { x: tinyLatents(1), t: tf.tensor1d([301], 'int32'), contexts });
    const two = model.mix(params, {
      x: tf.concat([tinyLatents(1), tinyLatents(1)], 0),
      t: tf.tensor1d([301, 301], 'int32'),
      contexts: repeatContexts(contexts, 2),
    });
    for (const eps of tf.split(two.eps, 2, 0)) expectClose(eps, one.eps, 1e-5);
  });

  it('copies, and leaves nothing else behind', async () => {
    const contexts = embeddings();
    await expectTensors(0, () => tf.dispose(tensorsOf(repeatContexts(contexts, 3))));
    expect(repeatContexts(contexts, 3).text!.shape).toEqual([3, 5, 8]);
  });

  it('refuses a batch', () => {
    expect(() => repeatContexts({ text: randn<tf.Rank.R3>([2, 5, 8], 1) }, 2)).toThrow(/\[2,5,8\].*batch of one/);
  });
});

describe('joining, for guidance', () => {
  it('runs both halves of a guided step in one pass', async () => {
    const { model, params } = tiny;
    const cond = embeddings();
    const uncond: Contexts = { ...cond, text: tf.zeros([1, 5, 8]) };
    const at = (contexts: Contexts) => (x: tf.Tensor4D, t: tf.Tensor1D) => model.mix(params, { x, t, contexts });
    const guided = guidedPair(mixDenoiser(at(joinContexts(uncond, cond))), 3);
    const run = { schedule: model.schedule, steps: 1 };
    const z = await sampleDdim(guided, tinyLatents(1), run);
    const t = tf.tensor1d([1], 'int32');
    const [epsUncond, epsCond] = [uncond, cond].map((contexts) => at(contexts)(tinyLatents(1), t).eps);
    const wanted = tf.add<tf.Tensor4D>(epsUncond!, tf.mul(tf.sub(epsCond!, epsUncond!), 3));
    expectClose(z, await sampleDdim(() => tf.clone(wanted), tinyLatents(1), run), 1e-4);
  });

  it('joins keys and values as it joins embeddings', () => {
    const { model, params } = tiny;
    const cond = embeddings();
    const joined = joinContexts(model.contextKeys(params, cond), model.contextKeys(params, cond));
    const wanted = model.contextKeys(params, repeatContexts(cond, 2));
    for (const [key, tensor] of Object.entries(wanted.text!)) {
      expectClose((joined.text as typeof wanted.text)![key], tensor, 1e-6);
    }
  });

  it('refuses what does not belong together', () => {
    const { model, params } = tiny;
    const cond = embeddings();
    const keys = model.contextKeys(params, cond);
    expect(() => joinContexts({ text: cond.text! }, cond)).toThrow(/missing 'seg_mask'/);
    expect(() => joinContexts(keys, cond)).toThrow(/embeddings beside keys/);
    expect(() => joinContexts(keys, { ...keys, text: keys.seg_mask! })).toThrow(/text: .*different networks/);
  });
});
