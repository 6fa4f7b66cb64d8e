import { compile } from '@codiff/engine';
import {
  adamStep,
  clipByGlobalNorm,
  emaUpdate,
  type Init,
  initEma,
  initOptimState,
  Params,
  planUpdates,
  Rng,
} from '@codiff/ldm-core';
import * as tf from '@tensorflow/tfjs-core';
import type { BenchCase, BenchSpec } from './case.js';

/** 16 weights of 4 MiB. */
const WEIGHTS = 16;
const SHAPE = [1024, 1024];
const RATE = 1e-3;
const DECAY = 0.01;

/** Updates of weights, by their kernels on state in place against plain ops that make new tensors; and what comes before. */
export const updateNames: readonly string[] = ['clip-global-norm', 'adam-update', 'ema-update'];

/** The update benchmark of a name, or null if it is none. */
export function updateCase(spec: BenchSpec, composed: boolean): BenchCase | null {
  if (spec.name.startsWith('clip-global-norm')) return composed ? plainClip() : clip();
  if (spec.name.startsWith('adam-update')) return composed ? plainAdam() : adam();
  if (spec.name.startsWith('ema-update')) return composed ? plainEma() : ema();
  return null;
}

function weights(label: string): Params {
  const rng = Rng.of(1).split(label);
  return new Params(Array.from({ length: WEIGHTS }, (_, i) => [`w${i}`, rng.split(i).normal(SHAPE)]));
}

/** Run a step over and over, each time on what it returned. */
function loop<S>(state: S, step: (state: S) => S, last: (state: S) => tf.Tensor, free: (old: S) => void): BenchCase {
  let current = state;
  return {
    flops: null,
    run: async (called) => {
      const old = current;
      current = step(old);
      called();
      await last(current).data();
      free(old);
    },
  };
}

type Clipped = ReturnType<typeof clipByGlobalNorm>;

/** Clip the same gradients over and over. */
function clipping(fn: (grads: Params) => Clipped, name: string): BenchCase {
  const grads = weights('grads');
  const step = compile(fn, { name });
  return {
    flops: null,
    run: async (called) => {
      const clipped = step(grads);
      called();
      await clipped.norm.data();
      clipped.grads.dispose();
      clipped.norm.dispose();
    },
  };
}

const clip = (): BenchCase => clipping((grads) => clipByGlobalNorm(grads, 1), 'clip-global-norm');

/** By the norm of all gradients as one vector. */
const plainClip = (): BenchCase =>
  clipping((grads) => {
    const norm = tf.norm(tf.concat([...grads.values()].map((grad) => tf.reshape(grad, [-1])))) as tf.Scalar;
    const factor = tf.minimum(tf.div(1, tf.add(norm, 1e-6)), 1);
    return { grads: grads.map((grad) => tf.mul(grad, factor)), norm };
  }, 'clip-global-norm:composed');

function adam(): BenchCase {
  const params = weights('params');
  const grads = weights('grads');
  const init: Init = { kind: 'constant', value: 0 };
  const spec = (key: string) => ({ key, shape: SHAPE, kind: 'parameter', dtype: 'float32', init }) as const;
  const plan = planUpdates(new Map([...params.keys()].map((key) => [key, spec(key)])), [
    { match: /./, lr: RATE, weightDecay: DECAY },
  ]);
  const step = compile(
    (state: { params: Params; state: ReturnType<typeof initOptimState> }) =>
      adamStep(state.params, grads, state.state, plan),
    { state: 0, name: 'adam-update' },
  );
  const begin = { params, state: initOptimState(params, plan) };
  return loop(
    begin,
    step,
    ({ state }) => state.step,
    () => {},
  );
}

function plainAdam(): BenchCase {
  const grads = weights('grads');
  const step = compile(
    ({ p, m, v }: Record<'p' | 'm' | 'v', Params>) => {
      const m2 = m.map((tensor, key) => tf.add(tf.mul(tensor, 0.9), tf.mul(grads.get(key)!, 0.1)));
      const v2 = v.map((tensor, key) => tf.add(tf.mul(tensor, 0.999), tf.mul(tf.square(grads.get(key)!), 0.001)));
      const p2 = p.map((tensor, key) => {
        const move = tf.div(tf.mul(m2.get(key)!, RATE), tf.add(tf.sqrt(v2.get(key)!), 1e-8));
        return tf.sub(tf.mul(tensor, 1 - RATE * DECAY), move);
      });
      return { p: p2, m: m2, v: v2 };
    },
    { name: 'adam-update:composed' },
  );
  const zeros = () => grads.map((tensor) => tf.zerosLike(tensor));
  const last = ({ p }: { p: Params }) => tf.tidy(() => tf.slice(p.get(`w${WEIGHTS - 1}`)!, [0, 0], [1, 1]));
  return loop({ p: weights('params'), m: zeros(), v: zeros() }, step, last, (old) => {
    for (const params of Object.values(old)) params.dispose();
  });
}

function ema(): BenchCase {
  const values = weights('values');
  const step = compile((state: ReturnType<typeof initEma>) => emaUpdate(state, values), {
    state: 0,
    name: 'ema-update',
  });
  return loop(
    initEma(values),
    step,
    ({ numUpdates }) => numUpdates!,
    () => {},
  );
}

function plainEma(): BenchCase {
  const values = weights('values');
  const step = compile(
    (shadow: Params) => shadow.map((tensor, key) => tf.sub(tensor, tf.mul(tf.sub(tensor, values.get(key)!), 1e-4))),
    { name: 'ema-update:composed' },
  );
  const last = (shadow: Params) => tf.tidy(() => tf.slice(shadow.get(`w${WEIGHTS - 1}`)!, [0, 0], [1, 1]));
  return loop(
    values.map((tensor) => tf.clone(tf.add(tensor, 0))),
    step,
    last,
    (old) => old.dispose(),
  );
}
