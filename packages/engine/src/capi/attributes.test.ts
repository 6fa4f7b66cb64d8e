import { expect, it } from 'vitest';
import { fakeNative } from '../../test/support/fake-native.js';
import type { OpAttr } from '../tfjs-node.js';
import { AttrKind, setAttribute } from './attributes.js';

const [TARGET, STATUS] = [1n, 2n];

/** The C function that an attribute is set with, and its arguments after the operation and the name. */
function setBy(attr: Omit<OpAttr, 'name'>, graph: boolean): unknown[] {
  const { native, calls } = fakeNative();
  setAttribute(native, TARGET, graph, { name: 'a', ...attr }, STATUS);
  expect(calls).toHaveLength(1);
  const [name, target, attribute, ...rest] = calls[0]!;
  expect([target, attribute]).toEqual([TARGET, 'a']);
  return [name, ...rest];
}

it.each([
  ['integer', { type: AttrKind.int, value: 3 }, 'Int', [3]],
  ['list of integers', { type: AttrKind.int, value: [1, 2, 2, 1] }, 'IntList', [[1, 2, 2, 1], 4]],
  ['float', { type: AttrKind.float, value: 0.5 }, 'Float', [0.5]],
  ['list of floats', { type: AttrKind.float, value: [0.5, 2] }, 'FloatList', [[0.5, 2], 2]],
  ['type', { type: AttrKind.type, value: 1 }, 'Type', [1]],
  ['list of types', { type: AttrKind.type, value: [1, 3] }, 'TypeList', [[1, 3], 2]],
  ['empty list', { type: AttrKind.int, value: [] }, 'IntList', [[], 0]],
  ['true', { type: AttrKind.bool, value: true }, 'Bool', [1]],
  ['false', { type: AttrKind.bool, value: false }, 'Bool', [0]],
] as const)('sets %s, eagerly and in a graph', (_, attr, kind, args) => {
  expect(setBy(attr, false)).toEqual([`TFE_OpSetAttr${kind}`, ...args]);
  expect(setBy(attr, true)).toEqual([`TF_SetAttr${kind}`, ...args]);
});

it('counts the bytes of strings, not their characters, and takes bytes as they are', () => {
  expect(setBy({ type: AttrKind.string, value: 'Zürich' }, false)).toEqual([
    'TFE_OpSetAttrString',
    new TextEncoder().encode('Zürich'),
    7,
  ]);
  const config = Uint8Array.of(0, 255);
  expect(setBy({ type: AttrKind.string, value: config }, true)).toEqual(['TF_SetAttrString', config, 2]);
  expect(setBy({ type: AttrKind.string, value: '' }, true).at(-1)).toBe(0);
});

it('takes a list of texts', () => {
  expect(setBy({ type: AttrKind.string, value: ['Bias', 'Ü'] }, true)).toEqual([
    'TF_SetAttrStringList',
    ['Bias', 'Ü'],
    [4, 2],
    2,
  ]);
});

it('passes the status on where the C function reports shapes that are wrong', () => {
  expect(setBy({ type: AttrKind.shape, value: [2, 3] }, false)).toEqual(['TFE_OpSetAttrShape', [2, 3], 2, STATUS]);
  expect(setBy({ type: AttrKind.shape, value: [] }, true)).toEqual(['TF_SetAttrShape', [], 0]);
});

it('refuses kinds that nothing here sets, by name and number', () => {
  expect(() => setBy({ type: 6, value: null }, false)).toThrow(
    /attribute 'a' has kind 6, which is none of string, int/,
  );
});
