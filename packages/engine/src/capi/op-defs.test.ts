import koffi from 'koffi';
import { expect, it } from 'vitest';
import { fakeNative, nativeMemory } from '../../test/support/fake-native.js';
import { readOpDefs } from './op-defs.js';
import { bytesField, varintField } from './proto.js';

const NAME = 1;

/** An OpList message in memory, as TF_GetAllOpList returns it. */
function listOf(...ops: number[][]) {
  const bytes = Uint8Array.from(ops.flatMap((op) => bytesField(1, op)));
  const buffer = koffi.address(koffi.alloc('TF_Buffer', 1));
  koffi.encode(buffer, 'TF_Buffer', { data: nativeMemory(bytes), length: bytes.length, deallocator: null });
  const fake = fakeNative({ TF_GetAllOpList: () => buffer });
  return { defs: readOpDefs(fake.native), freed: fake.named('TF_DeleteBuffer'), buffer };
}

it('reads inputs in order: single tensors, lists counted by a number, lists of types', () => {
  const input = (...fields: number[][]) => bytesField(2, fields.flat());
  const { defs, freed, buffer } = listOf(
    [
      ...bytesField(NAME, 'Mixed'),
      ...input(bytesField(1, 'x'), bytesField(4, 'T')),
      ...input(bytesField(1, 'values'), bytesField(5, 'N')),
      ...input(bytesField(1, 'args'), bytesField(6, 'Targs')),
      ...bytesField(3, bytesField(1, 'y')),
    ],
    [...bytesField(NAME, 'NoOp')],
  );
  expect([...defs.keys()]).toEqual(['Mixed', 'NoOp']);
  expect(defs.get('Mixed')).toEqual({
    inputs: [{ name: 'x' }, { name: 'values', countAttr: 'N' }, { name: 'args', countAttr: 'Targs' }],
    stateful: false,
  });
  expect(defs.get('NoOp')).toEqual({ inputs: [], stateful: false });
  expect(freed).toEqual([['TF_DeleteBuffer', buffer]]);
});

it('knows stateful operations', () => {
  const { defs } = listOf(
    [...bytesField(NAME, 'Random'), ...varintField(17, true)],
    [...bytesField(NAME, 'Pure'), ...varintField(17, false)],
  );
  expect([defs.get('Random')?.stateful, defs.get('Pure')?.stateful]).toEqual([true, false]);
});
