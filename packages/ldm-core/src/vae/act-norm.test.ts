import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { expectClose, expectNoLeak, randn, useCpu } from '../../test/support.js';
import { partsOf, together } from '../../test/together.js';
import { BufferSink } from '../io/byte-sink.js';
import { bytesSource } from '../io/byte-source.js';
import { encodeValues } from '../io/element-values.js';
import { loadParams } from '../io/load-params.js';
import { openCheckpoint } from '../io/open-checkpoint.js';
import { TensorToWrite } from '../io/tensor-to-write.js';
import { writeTorchZip } from '../io/write-torch.js';
import { initParams } from '../nn/init.js';
import { Params } from '../nn/params.js';
import { Scope } from '../nn/scope.js';
import { tensorsOf } from '../nn/tensor-tree.js';
import { valueAndGrads } from '../nn/value-and-grads.js';
import { ActNorm } from './act-norm.js';

beforeAll(useCpu);

function build() {
  const scope = Scope.root();
  const norm = new ActNorm(scope, 3);
  return { norm, specs: scope.specs, p: initParams(scope.specs, 0) };
}

/** Activations of mean 5 and deviation 4. */
const batch = (seed: number) => tf.add(tf.mul(randn<tf.Rank.R4>([4, 5, 6, 3], seed), 4), 5) as tf.Tensor4D;
const AXES = [0, 1, 2];

describe('ActNorm', () => {
  it('leaves the first training batch with mean 0 and (unbiased) deviation 1, and says so in its flag', () => {
    const { norm, p } = build();
    const { y, buffers } = norm.forwardTrain(p, batch(1));
    expectClose(tf.mean(y, AXES), [0, 0, 0], 1e-5);
    const count = 4 * 5 * 6;
    expectClose(tf.div(tf.sum(tf.square(y), AXES), count - 1), [1, 1, 1], 1e-5);
    expect([...buffers.keys()]).toEqual(['loc', 'scale', 'initialized']);
    expectClose(buffers.get('initialized')!, [1], 0);
  });

  it('shared by replicas, is set by the whole of the first batch', () => {
    const { norm, p } = build();
    const whole = norm.forwardTrain(p, batch(1));
    const parts = together(2, (replicas, i) => norm.forwardTrain(p, partsOf(batch(1), 2)[i]!, replicas));
    expectClose(tf.concat(parts.map(({ y }) => y)), whole.y, 1e-5);
    for (const { buffers } of parts)
      for (const [key, tensor] of whole.buffers) expectClose(buffers.get(key)!, tensor, 1e-6);
  });

  it('keeps what it has once the flag is set, whatever comes, in training as in evaluation', () => {
    const { norm, p } = build();
    const set = p.merge(norm.forwardTrain(p, batch(1)).buffers);
    const other = tf.mul<tf.Tensor4D>(batch(2), 7);
    const { y, buffers } = norm.forwardTrain(set, other);
    for (const [key, tensor] of buffers) expectClose(tensor, set.get(key)!, 0);
    expectClose(y, tf.mul(set.get('scale')!, tf.add(other, set.get('loc')!)), 1e-5);
    expectClose(norm.forward(set, other), y, 0);
  });

  it('is not set by evaluation: scale (x + loc) with the values it has', () => {
    const { norm, p } = build();
    const x = batch(1);
    expectClose(norm.forward(p, x), x, 0);
    const q = p.merge(new Map([['loc', tf.tensor1d([1, 2, 3])]])).merge(new Map([['scale', tf.tensor1d([2, -1, 0])]]));
    expectClose(norm.forward(q, tf.ones([1, 1, 1, 3])), [4, -3, 0], 0);
  });

  it('overrules loaded values while the flag is 0, and has the gradients of the values it sets', () => {
    const { norm, p } = build();
    const odd = p.merge(new Map([['loc', tf.fill<tf.Rank.R1>([3], 9)]]));
    const x = batch(3);
    const trained = odd.filter((key) => key !== 'initialized');
    const loss = (from: Params) =>
      valueAndGrads((q) => {
        const { y, buffers } = norm.forwardTrain(from.merge(q), x);
        return { loss: tf.mean(tf.pow(y, 3)) as tf.Scalar, buffers };
      }, trained);
    const first = loss(odd);
    expectClose(first.value.buffers.get('loc')!, tf.neg(tf.mean(x, AXES)), 1e-5);
    const { buffers } = first.value;
    const again = valueAndGrads(
      (q) => ({ loss: tf.mean(tf.pow(norm.forward(buffers.merge(q), x), 3)) as tf.Scalar }),
      new Params([...buffers].filter(([key]) => key !== 'initialized')),
    );
    expectClose(first.value.loss, again.value.loss, 1e-6);
    for (const [key, grad] of again.grads) expectClose(first.grads.get(key)!, grad, 1e-5);
  });

  it('is stored as [1,C,1,1] twice and a flag, which PyTorch keeps in a byte', async () => {
    const { specs } = build();
    const tensor = (dtype: 'float32' | 'uint8', shape: number[], values: number[]) =>
      new TensorToWrite(dtype, shape, async () => encodeValues(dtype, Float32Array.from(values)));
    const sink = new BufferSink();
    await writeTorchZip(sink, {
      state_dict: new Map([
        ['loc', tensor('float32', [1, 3, 1, 1], [1, 2, 3])],
        ['scale', tensor('float32', [1, 3, 1, 1], [4, 5, 6])],
        ['initialized', tensor('uint8', [], [1])],
      ]),
    });
    const { params } = await loadParams(specs, await openCheckpoint(bytesSource('norm.ckpt', sink.bytes())));
    expectClose(params.get('scale')!, [4, 5, 6], 0);
    expectClose(params.get('initialized')!, [1], 0);
  });

  it('leaves nothing behind but its results', () => {
    const { norm, p } = build();
    const x = batch(1);
    expectNoLeak(() => tf.tidy(() => tensorsOf(norm.forwardTrain(p, x))));
  });
});
