import { expect, it } from 'vitest';
import { instanceKey } from './instance-key.js';

const tensor = (shape: number[], dtype: 'float32' | 'int32' = 'float32') => ({ dataId: {}, shape, dtype });

it('is a 31-bit number that follows from name, place, shape and type', () => {
  const keys = [
    instanceKey('a', 0, tensor([2, 3])),
    instanceKey('b', 0, tensor([2, 3])),
    instanceKey('a', 1, tensor([2, 3])),
    instanceKey('a', 0, tensor([3, 2])),
    instanceKey('a', 0, tensor([2, 3], 'int32')),
  ];
  expect(new Set(keys).size).toBe(5);
  for (const key of keys) expect(key).toSatisfy((n: number) => Number.isInteger(n) && n >= 0 && n < 2 ** 31);
  expect(instanceKey('a', 0, tensor([2, 3]))).toBe(keys[0]);
  // The same in every process, today and tomorrow.
  expect(instanceKey('grads', 0, tensor([]))).toMatchInlineSnapshot(`862843347`);
});

it('refuses two names of one number', () => {
  const seen = new Map<number, string>();
  // About 2^16 names are needed before two of them meet in 2^31 numbers.
  const collide = () => {
    for (let i = 0; i < 400_000; i++) seen.set(instanceKey(`name ${i}`, 0, tensor([])), `name ${i}`);
  };
  expect(collide).toThrow(/hash to one number; rename one of them/);
});
