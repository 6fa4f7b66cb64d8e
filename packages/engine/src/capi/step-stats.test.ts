import { describe, expect, it } from 'vitest';
import { bytesField, varintField } from './proto.js';
import { readStepStats } from './step-stats.js';

const shape = (...dims: number[]) => dims.flatMap((dim) => bytesField(2, varintField(1, dim)));
const output = (slot: number, dtype: number, dims: number[]) =>
  bytesField(7, [
    ...varintField(1, slot),
    ...bytesField(3, [...varintField(1, dtype), ...bytesField(2, shape(...dims))]),
  ]);
const node = (...fields: number[][]) => bytesField(2, fields.flat());
const metadata = (...nodes: number[][]) =>
  Uint8Array.from(bytesField(1, bytesField(1, [...bytesField(1, '/cpu:0'), ...nodes.flat()])));

describe('readStepStats', () => {
  it('reads names, times, inputs and bytes, in the order of the starts', () => {
    const stats = readStepStats(
      metadata(
        node(
          ...[bytesField(1, 'n2'), varintField(2, 1000), varintField(3, 5), varintField(4, 25)],
          ...[output(0, 1, [2, 3]), output(1, 14, [4]), bytesField(8, 'n2 = MatMul(n1, c0:1, ^n0)')],
        ),
        node(bytesField(1, 'n1'), varintField(2, 900), varintField(14, 2000), varintField(15, 4500)),
      ),
    );
    expect(stats).toEqual([
      { name: 'n1', op: 'n1', startMicros: 0, micros: 2.5, inputs: [], outputBytes: [] },
      {
        ...{ name: 'n2', op: 'MatMul', startMicros: 105, micros: 20, outputBytes: [24, 8] },
        inputs: [
          { name: 'n1', slot: 0 },
          { name: 'c0', slot: 1 },
        ],
      },
    ]);
  });

  it('reads empty tensors and operations without inputs', () => {
    const [stats] = readStepStats(
      metadata(node(bytesField(1, 'c'), output(0, 1, [0, 3]), bytesField(8, 'c = Const()'))),
    );
    expect(stats).toMatchObject({ op: 'Const', inputs: [], outputBytes: [0] });
  });
});
