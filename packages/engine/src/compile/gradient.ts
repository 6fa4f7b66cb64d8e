import * as tf from '@tensorflow/tfjs-core';
import type { Precision } from '../capi/config-proto.js';
import type { Engine } from '../engine.js';
import { EngineError } from '../errors.js';
import { callProgram } from './call.js';
import type { Program } from './program.js';
import type { Structure } from './structure.js';

type Untyped = (...args: unknown[]) => unknown;

/** How the gradient becomes a function of its own: `compile`, handed in since it is what calls this. */
export type CompilePullback = (
  fn: PullbackFunction,
  options: { name: string; precision: Precision; xla: boolean },
) => Pullback;
type PullbackFunction = (dys: tf.Tensor[], inputs: tf.Tensor[]) => tf.Tensor[];
type Pullback = PullbackFunction & { dispose(): void };

/** The compiled vector-Jacobian product of each program that was differentiated. */
const pullbacks = new WeakMap<Program, Pullback>();

/**
 * Call a program while a gradient tape records: one tape entry for the whole function. Its gradient is another compiled
 * function, which runs the forward pass again.
 */
export function callOnTape(
  engine: Engine,
  fn: Untyped,
  program: Program,
  args: readonly Structure[],
  compile: CompilePullback,
): unknown {
  const { label, stateArg } = program.options;
  if (stateArg >= 0)
    throw new EngineError(
      `compile '${label}': a step that updates state in place has no gradient; take gradients inside the step`,
      { code: 'usage' },
    );
  const own = args.flatMap(({ tensors }) => tensors);
  const captured = program.captures.flatMap(({ tensors }) => tensors);
  const inputs = [...own, ...captured];
  let outputs: tf.Tensor[] = [];
  const forwardFunc = (_: unknown, save: (tensors: tf.Tensor[]) => void): tf.Tensor[] => {
    save(inputs);
    const value = callProgram(engine, program, args);
    outputs = tensorsOf(program, value);
    return outputs;
  };
  const backwardsFunc = (dy: tf.Tensor | tf.Tensor[], saved: tf.Tensor[]) => {
    const pullback = pullbackOf(fn, program, args, captured, compile);
    // At once, not in the thunks: tfjs tidies up after each of those, and would free the gradients of the others.
    const grads = pullback(Array.isArray(dy) ? dy : [dy], saved.slice(0, own.length));
    return Object.fromEntries(inputs.map((_, i) => [i, () => grads[i]!]));
  };
  const named = Object.fromEntries(inputs.map((tensor, i) => [i, tensor]));
  // customGrad would do, but for its limit of one result; this is what it calls.
  // biome-ignore lint/complexity/useLiteralKeys: the method is private in tfjs's types
  tf.engine()['runKernelFunc']({ forwardFunc, backwardsFunc, inputs: named });
  return program.structure.rebuild(outputs);
}

function tensorsOf(program: Program, value: unknown): tf.Tensor[] {
  const found: tf.Tensor[] = [];
  const walk = (item: unknown): void => {
    if (item instanceof tf.Tensor) found.push(item);
    else if (Array.isArray(item)) item.forEach(walk);
    else if (item instanceof Map) for (const member of item.values()) walk(member);
    else if (typeof item === 'object' && item !== null) Object.values(item).forEach(walk);
  };
  walk(value);
  if (found.length !== program.sources.length)
    throw new EngineError(`compile '${program.options.label}': result was rebuilt with other tensors`, {
      code: 'internal',
    });
  return found;
}

/** Free the gradient of a program that is forgotten. */
export function forgetPullback(program: Program): void {
  pullbacks.get(program)?.dispose();
}

/** Gradients of sum(y . dy) with respect to the float arguments and captures, as a compiled function of its own. */
function pullbackOf(
  fn: Untyped,
  program: Program,
  args: readonly Structure[],
  captured: readonly tf.Tensor[],
  compile: CompilePullback,
): Pullback {
  const known = pullbacks.get(program);
  if (known !== undefined) return known;
  const { label, precision, xla } = program.options;
  const pullback = compile(
    (dys: tf.Tensor[], tensors: tf.Tensor[]): tf.Tensor[] => {
      let at = 0;
      const inputs = args.map((arg) => arg.rebuild(arg.tensors.map(() => tensors[at++]!)));
      const variables = [...tensors, ...captured];
      const differentiable = variables.filter(({ dtype }) => dtype === 'float32');
      const loss = (): tf.Scalar => {
        const outputs = tensorsOf(program, fn(...inputs));
        const terms = outputs.flatMap((y, i) =>
          y.dtype === 'float32' ? [tf.sum(tf.mul(y, dys[i]!)) as tf.Scalar] : [],
        );
        return tf.addN(terms);
      };
      const { grads } = tf.engine().gradients(loss, differentiable, undefined, true);
      const byTensor = new Map(differentiable.map((tensor, i) => [tensor, grads[i]]));
      return variables.map((tensor) => byTensor.get(tensor) ?? tf.zerosLike(tensor));
    },
    { name: `${label}.gradient`, precision, xla },
  );
  pullbacks.set(program, pullback);
  return pullback;
}
