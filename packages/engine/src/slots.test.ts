import { describe, expect, it } from 'vitest';
import type { Pointer } from './capi/native.js';
import { EngineError } from './errors.js';
import { SharedHandle, type Slot, SlotTable } from './slots.js';

const slot = (handle: bigint): Slot => ({ kind: 'eager', handle, shape: [2], dtype: 1 });

describe('SlotTable', () => {
  it('gives every tensor a number of its own, also after one was freed', () => {
    const table = new SlotTable();
    const [a, b] = [table.add(slot(1n)), table.add(slot(2n))];
    table.take(a);
    const c = table.add(slot(3n));
    expect(new Set([a, b, c]).size).toBe(3);
    expect([table.get(b), table.get(c)]).toEqual([slot(2n), slot(3n)]);
    expect(table.size).toBe(2);
  });

  it('puts another slot under a number that stays', () => {
    const table = new SlotTable();
    const id = table.add(slot(1n));
    table.replace(id, slot(9n));
    expect(table.get(id)).toEqual(slot(9n));
    expect(table.size).toBe(1);
  });

  it('knows what is saved by storing elements in fewer bytes', () => {
    const table = new SlotTable();
    const narrow: Slot = { kind: 'eager', handle: 1n, shape: [10, 3], dtype: 1, storedAs: 14 };
    const id = table.add(narrow);
    table.add(slot(2n));
    expect(table.savedBytes).toBe(60);
    table.replace(id, slot(3n));
    expect(table.savedBytes).toBe(0);
    table.replace(id, narrow);
    table.take(id);
    table.take(id);
    expect(table.savedBytes).toBe(0);
  });

  it('takes a slot out once', () => {
    const table = new SlotTable();
    const id = table.add(slot(1n));
    expect(table.take(id)).toEqual(slot(1n));
    expect(table.take(id)).toBeUndefined();
    expect(table.size).toBe(0);
  });

  it('says of a number that is gone how that comes about, and what to do', () => {
    const table = new SlotTable();
    const id = table.add(slot(1n));
    table.take(id);
    expect(() => table.get(id)).toThrow(EngineError);
    expect(() => table.get(id)).toThrow(
      `tensor ${id} is gone: it was disposed, or it belongs to a function whose tracing has ended; keep it alive with tf.keep, or return it from the function`,
    );
  });
});

describe('SharedHandle', () => {
  it('is freed by its last owner, once', () => {
    const freed: Pointer[] = [];
    const shared = new SharedHandle(5n, (handle) => freed.push(handle)).retain().retain();
    shared.release();
    expect(freed).toEqual([]);
    shared.release();
    expect(freed).toEqual([5n]);
  });

  it('can be taken again by retain before that', () => {
    const freed: Pointer[] = [];
    const shared = new SharedHandle(5n, (handle) => freed.push(handle)).retain();
    shared.retain().release();
    expect(freed).toEqual([]);
    shared.release();
    expect(freed).toEqual([5n]);
  });
});
