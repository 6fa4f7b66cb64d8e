import * as tf from '@tensorflow/tfjs-core';
import fc from 'fast-check';
import { type OpCase, only, opCase } from '../op-case.js';
import {
  ANY,
  anyTensor,
  broadcastPair,
  type Domain,
  FINITE,
  type PlainType,
  shapes,
  tensorOf,
} from '../plain-tensor.js';

type Unary = (x: tf.Tensor) => tf.Tensor;
type Binary = (a: tf.Tensor, b: tf.Tensor) => tf.Tensor;

const FLOAT: readonly PlainType[] = ['float32'];
const NUMBERS: readonly PlainType[] = ['float32', 'int32'];
const BOOL: readonly PlainType[] = ['bool'];

const unary = (name: string, op: Unary, domain: Domain = ANY, dtypes = FLOAT, tolerance = 1e-5): OpCase =>
  opCase(name, only(anyTensor(dtypes, domain)), ([x]) => op(x!), { tolerance });

const binary = (name: string, op: Binary, left: Domain = FINITE, right: Domain = left, dtypes = NUMBERS): OpCase =>
  opCase(name, only(broadcastPair(dtypes, left, right)), ([a, b]) => op(a!, b!));

const POSITIVE: Domain = { min: 0.01, max: 50, specials: [Infinity, NaN] };
const UNIT: Domain = { min: -1, max: 1, specials: [NaN] };
const SMALL: Domain = { min: -5, max: 5, specials: [NaN, 0] };
const NONZERO: Domain = { min: 0.5, max: 20 };
/** Away from the poles. */
const NARROW: Domain = { min: -1.3, max: 1.3, specials: [0] };

export const UNARY: readonly OpCase[] = [
  unary('abs', tf.abs, ANY, NUMBERS),
  unary('neg', tf.neg, ANY, NUMBERS),
  unary('sign', tf.sign, FINITE),
  unary('ceil', tf.ceil),
  unary('floor', tf.floor),
  unary('round', tf.round, { ...ANY, specials: [0.5, 1.5, 2.5, -0.5, -1.5, NaN, Infinity] }),
  unary('sqrt', tf.sqrt, { ...POSITIVE, specials: [0, -1, NaN, Infinity] }),
  unary('rsqrt', tf.rsqrt, POSITIVE),
  unary('square', tf.square, ANY, NUMBERS),
  unary('reciprocal', tf.reciprocal),
  unary('exp', tf.exp, ANY),
  unary('expm1', tf.expm1, ANY),
  unary('log', tf.log, { ...POSITIVE, specials: [0, -1, NaN, Infinity] }),
  unary('log1p', tf.log1p, { ...POSITIVE, specials: [0, -1, NaN, Infinity] }),
  unary('sin', tf.sin),
  unary('cos', tf.cos),
  unary('tan', tf.tan, NARROW),
  unary('asin', tf.asin, UNIT),
  unary('acos', tf.acos, UNIT),
  unary('atan', tf.atan),
  unary('sinh', tf.sinh, SMALL),
  unary('cosh', tf.cosh, SMALL),
  unary('tanh', tf.tanh),
  unary('asinh', tf.asinh, SMALL),
  unary('acosh', tf.acosh, { min: 1, max: 50, specials: [NaN, 0.5] }),
  unary('atanh', tf.atanh, { min: -0.99, max: 0.99, specials: [NaN] }),
  unary('sigmoid', tf.sigmoid),
  unary('logSigmoid', tf.logSigmoid, FINITE),
  unary('softplus', tf.softplus, FINITE),
  unary('relu', tf.relu, FINITE, NUMBERS),
  unary('relu6', tf.relu6, FINITE),
  unary('elu', tf.elu, FINITE),
  unary('selu', tf.selu, FINITE),
  unary('erf', tf.erf, FINITE),
  unary('step', (x) => tf.step(x, 0.25), ANY),
  unary('isNaN', tf.isNaN),
  unary('isInf', tf.isInf),
  unary('isFinite', tf.isFinite),
  unary('logicalNot', tf.logicalNot, FINITE, BOOL),
  unary('clone', (x) => tf.clone(x), ANY, ['float32', 'int32', 'bool']),
  unary('zerosLike', tf.zerosLike, FINITE, ['float32', 'int32', 'bool']),
  unary('onesLike', tf.onesLike, FINITE, ['float32', 'int32', 'bool']),
  opCase(
    'leakyRelu',
    fc
      .tuple(anyTensor(FLOAT, FINITE), fc.constantFrom(0, 0.1, 0.2))
      .map(([x, alpha]) => ({ tensors: [x], attrs: alpha })),
    ([x], alpha) => tf.leakyRelu(x!, alpha),
  ),
  opCase(
    'clipByValue',
    fc
      .tuple(anyTensor(FLOAT, { ...FINITE, specials: [Infinity, -Infinity] }), fc.integer({ min: -5, max: 0 }))
      .map(([x, low]) => ({ tensors: [x], attrs: low })),
    ([x], low) => tf.clipByValue(x!, low, low + 3.5),
  ),
  opCase(
    'cast',
    fc
      .tuple(anyTensor(['float32', 'int32', 'bool']), fc.constantFrom<PlainType>('float32', 'int32', 'bool'))
      .map(([x, dtype]) => ({ tensors: [x], attrs: dtype })),
    ([x], dtype) => tf.cast(x!, dtype),
  ),
];

export const BINARY: readonly OpCase[] = [
  binary('add', tf.add, ANY),
  binary('sub', tf.sub, ANY),
  binary('mul', tf.mul, ANY),
  binary('div', tf.div, FINITE, NONZERO),
  binary('divNoNan', tf.divNoNan, FINITE, { min: -3, max: 3, specials: [0, 0, 0] }, FLOAT),
  // The cpu backend gives int32 for float32 operands too, against its own documentation; TensorFlow keeps the type.
  binary('floorDiv', tf.floorDiv, FINITE, NONZERO, ['int32']),
  binary('mod', tf.mod, FINITE, NONZERO),
  binary('pow', tf.pow, { min: 0.5, max: 4 }, { min: 0, max: 3 }),
  binary('maximum', tf.maximum),
  binary('minimum', tf.minimum),
  binary('squaredDifference', tf.squaredDifference),
  binary('atan2', tf.atan2, FINITE, NONZERO, FLOAT),
  binary('equal', tf.equal, { min: 0, max: 3 }, { min: 0, max: 3 }, ['float32', 'int32', 'bool']),
  binary('notEqual', tf.notEqual, { min: 0, max: 3, specials: [NaN] }, { min: 0, max: 3 }, [
    'float32',
    'int32',
    'bool',
  ]),
  binary('less', tf.less, ANY),
  binary('lessEqual', tf.lessEqual, ANY),
  binary('greater', tf.greater, ANY),
  binary('greaterEqual', tf.greaterEqual, ANY),
  binary('logicalAnd', tf.logicalAnd, FINITE, FINITE, BOOL),
  binary('logicalOr', tf.logicalOr, FINITE, FINITE, BOOL),
  binary('logicalXor', tf.logicalXor, FINITE, FINITE, BOOL),
  binary('prelu', tf.prelu, FINITE, FINITE, FLOAT),
  opCase(
    'where',
    only(
      fc
        .tuple(shapes(), fc.constantFrom<PlainType>('float32', 'int32', 'bool'))
        .chain(([shape, dtype]) =>
          fc.tuple(tensorOf(shape, 'bool'), tensorOf(shape, dtype, ANY), tensorOf(shape, dtype, ANY)),
        ),
    ),
    ([condition, a, b]) => tf.where(condition!, a!, b!),
  ),
  opCase(
    'addN',
    only(
      fc
        .tuple(shapes(), fc.constantFrom<PlainType>('float32', 'int32'), fc.integer({ min: 1, max: 4 }))
        .chain(([shape, dtype, n]) => fc.tuple(...Array.from({ length: n }, () => tensorOf(shape, dtype)))),
    ),
    (tensors) => tf.addN(tensors),
  ),
];
