import { Params, valueAndGrad } from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectFlat, expectTensors, flat, randn, useCpu } from '../test/support.js';
import { type Collaborator, collaborate } from './collaborate.js';

beforeAll(useCpu);

const t500 = () => tf.tensor1d([500], 'int32');

/** Says one number everywhere, and asks for a share of the influence. */
const constant = (name: string, eps: number, share: number, rule: Partial<Collaborator> = {}): Collaborator => ({
  name,
  eps: (x) => tf.fill(x.shape, eps),
  influence: (x) => tf.fill([x.shape[0], x.shape[1], x.shape[2], 1], Math.log(share)),
  ...rule,
});

describe('four collaborators, computed by hand', () => {
  const four = [
    constant('text', 18, 1, { remainder: true }),
    constant('mask', 9, 2, { scale: 2, schedule: 'cosine_decay' }),
    constant('sketch', 6, 3, { schedule: 'linear_decay' }),
    constant('depth', -9, 4, { scale: 0.5 }),
  ];

  it('mixes their noise by the maps that influence.test.ts derives', () => {
    // 7/18 of 18, 4/18 of 9, 3/18 of 6, 4/18 of -9.
    const { eps, influence, branches } = collaborate(four)(flat(0, 3), t500());
    expectFlat(eps, 7 + 2 + 1 - 2, 1e-5);
    expectFlat(influence.text, 7 / 18);
    expectFlat(influence.depth, 4 / 18);
    expectFlat(branches.depth, -9);
    expect(Object.keys(influence)).toEqual(['text', 'mask', 'sketch', 'depth']);
    expect(eps.shape).toEqual([1, 2, 2, 3]);
  });

  it('mixes by the plain softmax where the rules are passed over', () => {
    expectFlat(collaborate(four)(flat(0, 3), t500(), false).eps, 1.8 + 1.8 + 1.8 - 3.6, 1e-5);
  });

  it('leaves nothing behind but what it returns', async () => {
    const x = flat(0, 3);
    const t = t500();
    await expectTensors(9, () => collaborate(four)(x, t));
  });
});

describe('what a dynamic diffuser looks at', () => {
  const pair = (): Collaborator[] => {
    const looksAt = (x: tf.Tensor4D) => tf.mean(x, 3, true) as tf.Tensor4D;
    return [
      { ...constant('seg_mask', 2, 1), influence: looksAt },
      { ...constant('text', -1, 1, { remainder: true }), influence: looksAt },
    ];
  };
  const sigmoid = (z: number) => 1 / (1 + Math.exp(-z));

  it('is x_t, the same for both', () => {
    expectFlat(collaborate(pair())(flat(5, 3), t500()).influence.seg_mask, 0.5);
  });

  it("is its branch's noise", () => {
    const { influence } = collaborate(pair(), { influenceInput: 'unet_output' })(flat(5, 3), t500());
    expectFlat(influence.seg_mask, sigmoid(3));
    expectFlat(influence.text, sigmoid(-3));
  });
});

it('weighs pixel by pixel', () => {
  const map = randn<tf.Rank.R4>([1, 2, 2, 1], 3);
  const left = { ...constant('seg_mask', 1, 1), influence: () => tf.clone(map) };
  const { eps } = collaborate([left, constant('text', 0, 1, { remainder: true })])(flat(0, 1), t500());
  expectClose(eps, tf.sigmoid(map), 1e-6);
});

it('is differentiable by the dynamic diffusers', () => {
  const x = flat(0, 1);
  const { grads } = valueAndGrad(
    (p) => {
      const asks = { ...constant('seg_mask', 3, 1), influence: () => tf.mul<tf.Tensor4D>(flat(1), p.get('bias')!) };
      return tf.mean(collaborate([asks, constant('text', 1, 1, { remainder: true })])(x, t500()).eps);
    },
    new Params([['bias', tf.scalar(0)]]),
  );
  // d/db of 1 + 2 sigmoid(b) at 0.
  expectFlat(grads.get('bias'), 0.5);
});

it('keeps no state: another mix with other options changes nothing', () => {
  const branches = [constant('seg_mask', 1, 3), constant('text', 0, 1, { remainder: true })];
  const plain = collaborate(branches);
  const before = plain(flat(0, 1), t500()).eps;
  collaborate(branches.map((one) => (one.remainder ? one : { ...one, scale: 9 })))(flat(0, 1), t500());
  expectClose(plain(flat(0, 1), t500()).eps, before, 0);
});

describe('refuses', () => {
  it('two remainders', () => {
    const both = [constant('seg_mask', 1, 1, { remainder: true }), constant('text', 1, 1, { remainder: true })];
    expect(() => collaborate(both)).toThrow(/remainder is 'seg_mask' and 'text'/);
  });

  it('an influence map of several channels, and frees what it made', async () => {
    const wide = { ...constant('seg_mask', 1, 1), influence: (x: tf.Tensor4D) => tf.clone(x) };
    const mix = collaborate([wide, constant('text', 1, 1, { remainder: true })]);
    const x = flat(0, 3);
    const t = t500();
    await expectTensors(0, () => expect(() => mix(x, t)).toThrow(/collaborate 'seg_mask'.*\[1,2,2,3\].*\[1,2,2,1\]/s));
  });
});
