import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { fileShapes, weightsOf } from '../../test/parity-case.js';
import { expectClose, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { AutoencoderConfig } from '../config/autoencoder-config.js';
import { VaeLossConfig } from '../config/vae-loss-config.js';
import { Params } from '../nn/params.js';
import { Scope } from '../nn/scope.js';
import { tensorsOf } from '../nn/tensor-tree.js';
import { valueAndGrads } from '../nn/value-and-grads.js';
import { AutoencoderKL } from './autoencoder.js';
import { LPIPSWithDiscriminator } from './gan-loss.js';
import { discriminatorPass, type GanPassInputs, generatorPass } from './gan-passes.js';
import { klDivergence, samplePosterior } from './posterior.js';

beforeAll(useCpu);

const DD = {
  doubleZ: true,
  zChannels: 2,
  resolution: 16,
  inChannels: 3,
  outCh: 3,
  ch: 32,
  chMult: [1],
  numResBlocks: 1,
  attnResolutions: [],
  attnType: 'none',
};

function build(loss: object) {
  const config = AutoencoderConfig.parse({ ddconfig: DD, embedDim: 2, lossconfig: { target: 'loss' } });
  const scope = Scope.root();
  // LPIPS is left out: VGG16 takes minutes on this backend. The parity runner has it.
  const parsed = VaeLossConfig.parse({ discStart: 10, discNumLayers: 1, perceptualWeight: 0, klWeight: 0.1, ...loss });
  const vae = new AutoencoderKL(scope, config, (at) => new LPIPSWithDiscriminator(at, parsed));
  const p = weightsOf(scope.specs, new Map(), { strip: 'loss.' }).filter(
    (key) => !key.startsWith('loss.perceptual_loss'),
  );
  return { vae, p, specs: scope.specs };
}

function batch(): GanPassInputs {
  return {
    images: tf.clipByValue(randn<tf.Rank.R4>([2, 6, 6, 3], 1), -1, 1),
    noise: randn([2, 6, 6, 2], 2),
    discFactor: 1,
    train: true,
  };
}

const scalar = (x: tf.Tensor) => x.dataSync()[0]!;
const WEIGHT = 'decoder.conv_out.weight';

describe('generatorPass', () => {
  it('equals the formulas, written with tfjs alone, in values and gradients', () => {
    const { vae, p } = build({ logvarInit: 0, discWeight: 0.5 });
    p.set('loss.logvar', tf.scalar(0.3));
    const inputs = batch();
    const trained = p.filter((key) => key === 'loss.logvar' || key === WEIGHT || key.startsWith('quant_conv'));
    const { value, grads } = valueAndGrads((q) => generatorPass(vae, p.merge(q), inputs), trained);

    const parts = (q: Params) => {
      const posterior = vae.encode(q, inputs.images);
      const r = vae.decode(q, samplePosterior(posterior, inputs.noise));
      const logvar = q.get('loss.logvar')!;
      const rec = tf.abs(tf.sub(inputs.images, r));
      const nll = tf.div(tf.sum(tf.add(tf.div(rec, tf.exp(logvar)), logvar)), 2);
      const g = tf.neg(tf.mean(vae.loss.discriminator.forwardTrain(q, r).logits));
      return { nll, g, rec: tf.mean(rec), kl: tf.mean(klDivergence(posterior)) };
    };
    const slope = (part: 'nll' | 'g') =>
      scalar(tf.norm(tf.grad((w: tf.Tensor) => parts(p.merge(new Map([[WEIGHT, w]])))[part])(p.get(WEIGHT)!)));
    const dWeight = 0.5 * Math.min(slope('nll') / (slope('g') + 1e-4), 1e4);
    const whole = valueAndGrads((q) => {
      const { nll, g, kl } = parts(p.merge(q));
      return { loss: tf.add(tf.add(nll, tf.mul(0.1, kl)), tf.mul(dWeight, g)) as tf.Scalar };
    }, trained);
    const { nll, g, rec, kl } = parts(p);

    expect(scalar(value.logs.d_weight!) / dWeight).toBeCloseTo(1, 4);
    expectClose(value.logs.nll_loss!, nll, 1e-3);
    expectClose(value.logs.g_loss!, g, 1e-6);
    expectClose(value.logs.rec_loss!, rec, 1e-6);
    expectClose(value.logs.kl_loss!, kl, 1e-4);
    expectClose(value.logs.total_loss!, value.loss, 0);
    expectClose(value.logs.logvar!, [0.3], 1e-7);
    expect(scalar(value.loss) / scalar(whole.value.loss)).toBeCloseTo(1, 5);
    expect([...grads.keys()].sort()).toEqual([...trained.keys()].sort());
    for (const [key, grad] of grads) {
      const wanted = whole.grads.get(key)!;
      expectClose(grad, wanted, 1e-4 * scalar(tf.max(tf.abs(wanted))));
    }
  });

  it('moves the running statistics once in training, and never in evaluation', () => {
    const { vae, p } = build({});
    const { buffers } = generatorPass(vae, p, batch());
    expect([...buffers.keys()].map((key) => key.replace('loss.discriminator.main.3.', ''))).toEqual([
      'running_mean',
      'running_var',
      'num_batches_tracked',
    ]);
    expectClose(buffers.get('loss.discriminator.main.3.num_batches_tracked')!, [1], 0);
    expect(generatorPass(vae, p, { ...batch(), train: false }).buffers.size).toBe(0);
  });

  it('logs the weight before the discriminator starts, without letting it act', () => {
    const { vae, p } = build({ discWeight: 0.5 });
    expect([vae.loss.discFactorAt(9), vae.loss.discFactorAt(10)]).toEqual([0, 1]);
    const trained = p.filter((key) => key === WEIGHT);
    const pass = (more: object) =>
      valueAndGrads((q) => generatorPass(vae, p.merge(q), { ...batch(), ...more }), trained);
    const [early, plain] = [pass({ discFactor: tf.scalar(0) }), pass({ adaptive: false })];
    expect(scalar(early.value.logs.d_weight!)).toBeGreaterThan(0);
    expect(scalar(plain.value.logs.d_weight!)).toBe(0);
    expectClose(early.value.loss, plain.value.loss, 0);
    expectClose(early.grads.get(WEIGHT)!, plain.grads.get(WEIGHT)!, 0);
    const off = build({ discFactor: 0 });
    expect(scalar(generatorPass(off.vae, off.p, batch()).logs.d_weight!)).toBe(0);
  });

  it('leaves nothing behind but its results', () => {
    const { vae, p } = build({});
    const inputs = batch();
    const trained = p.filter((key) => key === WEIGHT);
    expectNoLeak(() => tensorsOf(valueAndGrads((q) => generatorPass(vae, p.merge(q), inputs), trained)));
  });
});

describe('discriminatorPass', () => {
  it.each(['hinge', 'vanilla'] as const)('%s loss, on real images first', (discLoss) => {
    const { vae, p } = build({ discLoss });
    const inputs = { ...batch(), discFactor: 0.5 };
    const { loss, logs, buffers } = discriminatorPass(vae, p, inputs);
    const r = vae.decode(p, samplePosterior(vae.encode(p, inputs.images), inputs.noise));
    const real = vae.loss.discriminator.forwardTrain(p, inputs.images);
    const fake = vae.loss.discriminator.forwardTrain(p.merge(real.buffers), r);
    const mean = (x: tf.Tensor, fn: (x: number) => number) => {
      const values = Array.from(x.dataSync(), fn);
      return values.reduce((a, b) => a + b, 0) / values.length;
    };
    const penalty = discLoss === 'hinge' ? (x: number) => Math.max(0, 1 + x) : (x: number) => Math.log1p(Math.exp(x));
    const wanted = 0.5 * 0.5 * (mean(real.logits, (x) => penalty(-x)) + mean(fake.logits, penalty));
    expectClose(loss, [wanted], 1e-6);
    expectClose(logs.disc_loss!, [wanted], 1e-6);
    expectClose(logs.logits_real!, [mean(real.logits, (x) => x)], 1e-6);
    expectClose(logs.logits_fake!, [mean(fake.logits, (x) => x)], 1e-6);
    for (const [key, buffer] of fake.buffers) expectClose(buffers.get(key)!, buffer, 0);
  });

  it('sends no gradient into the autoencoder', () => {
    const { vae, p } = build({});
    const keys = [WEIGHT, 'loss.discriminator.main.0.weight'];
    const { grads } = valueAndGrads(
      (q) => discriminatorPass(vae, p.merge(q), batch()),
      new Params(keys.map((key) => [key, p.get(key)!])),
    );
    expect([...grads.keys()]).toEqual(['loss.discriminator.main.0.weight']);
  });
});

describe('LPIPSWithDiscriminator with ActNorm', () => {
  it('sets it from the first training batch, and takes gradients from there', () => {
    const { vae, p, specs } = build({ useActnorm: true });
    const norm = 'loss.discriminator.main.3';
    expect(fileShapes(specs).filter(([key]) => key.startsWith(norm) || key.endsWith('main.2.bias'))).toEqual([
      ['loss.discriminator.main.2.bias', [128]],
      [`${norm}.loc`, [1, 128, 1, 1]],
      [`${norm}.scale`, [1, 128, 1, 1]],
      [`${norm}.initialized`, []],
    ]);
    const inputs = batch();
    const keys = [`${norm}.loc`, `${norm}.scale`];
    const take = (from: Params) =>
      valueAndGrads(
        (q) => discriminatorPass(vae, from.merge(q), inputs),
        from.filter((key) => keys.includes(key)),
      );
    const first = take(p);
    expectClose(first.value.buffers.get(`${norm}.initialized`)!, [1], 0);
    const second = take(p.merge(first.value.buffers));
    expectClose(second.value.loss, first.value.loss, 1e-6);
    for (const key of keys) {
      expectClose(second.value.buffers.get(key)!, first.value.buffers.get(key)!, 0);
      expectClose(second.grads.get(key)!, first.grads.get(key)!, 1e-6);
    }
  });

  it('is set by the first pass over a batch, from reconstructions, and not again by the second', () => {
    const { vae, p } = build({ useActnorm: true });
    const inputs = batch();
    const norm = 'loss.discriminator.main.3';
    const { buffers } = generatorPass(vae, p, inputs);
    expect([...buffers.keys()]).toEqual([`${norm}.loc`, `${norm}.scale`, `${norm}.initialized`]);
    const r = vae.decode(p, samplePosterior(vae.encode(p, inputs.images), inputs.noise));
    const wanted = vae.loss.discriminator.forwardTrain(p, r);
    for (const [key, tensor] of wanted.buffers) expectClose(buffers.get(key)!, tensor, 1e-4);
    const second = discriminatorPass(vae, p.merge(buffers), inputs);
    for (const [key, tensor] of buffers) expectClose(second.buffers.get(key)!, tensor, 0);
    expect(generatorPass(vae, p, { ...inputs, train: false }).buffers.size).toBe(0);
  });
});
