import { describe, expect, it } from 'vitest';
import { DataType } from '../capi/data-type.js';
import { bytesOf, estimateMemory, neededNodes } from './memory-estimate.js';
import { GraphRecord, type RecordedGraph } from './recorded-graph.js';

const KIB = 1024;

/** A graph written down by hand: each operation makes one value of so many KiB, which has its name. */
class HandMade {
  private readonly record = new GraphRecord();
  private readonly opers = new Map<string, bigint>();

  op(
    name: string,
    op: string,
    inputs: string[],
    kib: number,
    dtype: number = DataType.float,
    after: string[] = [],
  ): this {
    const oper = BigInt(this.opers.size + 1);
    this.record.node(
      oper,
      name,
      op,
      inputs.map((input) => ({ oper: this.opers.get(input)!, index: 0 })),
      after.map((other) => this.opers.get(other)!),
    );
    this.opers.set(name, oper);
    this.record.output({ oper, index: 0 }, [(kib * KIB) / 4], dtype);
    return this;
  }

  graph(results: string[], effects: string[] = []): RecordedGraph {
    return this.record.finish(
      results.map((name) => ({ oper: this.opers.get(name)!, index: 0 })),
      effects.map((name) => this.opers.get(name)!),
    );
  }
}

const kibOf = (graph: RecordedGraph, half = false): number => estimateMemory(graph, { half }).bytes / KIB;

describe('estimateMemory', () => {
  it('frees a value after its last reader', () => {
    const chain = new HandMade()
      .op('x', 'Placeholder', [], 100)
      .op('a', 'Conv2D', ['x'], 10)
      .op('b', 'Conv2D', ['a'], 20)
      .op('c', 'Conv2D', ['b'], 5);
    // a and b at once, then b and c; x is the caller's.
    expect(estimateMemory(chain.graph(['c']))).toMatchObject({ bytes: 30 * KIB, largest: 20 * KIB, op: 'Conv2D' });
    expect(kibOf(chain.graph(['a', 'c']))).toBe(35);
  });

  it('counts branches at once, but not what waits', () => {
    // Two chains of 10, 30 and 1 KiB, of which each needs 40 at its worst.
    const build = (waits: string[]) => {
      const pair = new HandMade().op('x', 'Placeholder', [], 8);
      for (const chain of ['a', 'b']) {
        const after = chain === 'b' ? waits : [];
        pair.op(`${chain}1`, 'Conv2D', ['x'], 10, DataType.float, after);
        pair.op(`${chain}2`, 'Conv2D', [`${chain}1`], 30).op(`${chain}3`, 'Conv2D', [`${chain}2`], 1);
      }
      return pair.graph(['a3', 'b3']);
    };
    const of = (graph: RecordedGraph, branches: number) => estimateMemory(graph, { branches }).bytes / KIB;
    // The first chain has left 1 KiB when the second is at its worst.
    expect(of(build([]), 1)).toBe(41);
    expect(of(build([]), 2)).toBe(10 + 10 + 30 + 30 - 10);
    expect(of(build(['a3']), 2)).toBe(41);
  });

  it('keeps a skip connection until it is used', () => {
    const skip = new HandMade()
      .op('x', 'Placeholder', [], 8)
      .op('a', 'Conv2D', ['x'], 8)
      .op('b', 'Conv2D', ['a'], 8)
      .op('c', 'Conv2D', ['b'], 8)
      .op('sum', 'AddV2', ['a', 'c'], 8);
    expect(kibOf(skip.graph(['sum']))).toBe(24);
  });

  it('lets element-wise operations write over an operand that dies, of their size and type', () => {
    const build = (op: string, kib = 16, dtype: number = DataType.float) =>
      new HandMade().op('x', 'Placeholder', [], 16).op('a', 'Conv2D', ['x'], 16).op('y', op, ['a'], kib, dtype);
    expect(kibOf(build('Sigmoid').graph(['y']))).toBe(16);
    expect(kibOf(build('Transpose').graph(['y']))).toBe(32);
    expect(kibOf(build('Sigmoid').graph(['a', 'y']))).toBe(32);
    expect(kibOf(build('AddV2', 32).graph(['y']))).toBe(48);
    expect(kibOf(build('AddV2', 16, DataType.int32).graph(['y']))).toBe(32);
  });

  it('writes over no argument, and no operand that is read twice', () => {
    const argument = new HandMade().op('x', 'Placeholder', [], 16).op('y', 'Exp', ['x'], 16);
    expect(kibOf(argument.graph(['y']))).toBe(16);
    const twice = new HandMade()
      .op('x', 'Placeholder', [], 16)
      .op('a', 'Conv2D', ['x'], 16)
      .op('y', 'Mul', ['a', 'a'], 16);
    expect(kibOf(twice.graph(['y']))).toBe(32);
  });

  it('takes reshaped values as the same memory, which lives as long as any of its names', () => {
    const graph = new HandMade()
      .op('x', 'Placeholder', [], 16)
      .op('a', 'Conv2D', ['x'], 16)
      .op('flat', 'Reshape', ['a'], 16)
      .op('b', 'Conv2D', ['x'], 16)
      .op('y', 'MatMul', ['flat', 'b'], 4)
      .graph(['y']);
    expect(kibOf(graph)).toBe(36);
    const view = new HandMade().op('x', 'Placeholder', [], 16).op('y', 'Reshape', ['x'], 16).graph(['y']);
    expect(kibOf(view)).toBe(0);
  });

  it('lets an update run as soon as its gradient is there', () => {
    const step = (order: readonly string[]) => {
      const graph = new HandMade().op('w', 'Placeholder', [], 8).op('dy2', 'Conv2D', ['w'], 1);
      graph.op('g2', 'Conv2D', ['dy2'], 10).op('dy1', 'Conv2D', ['dy2'], 1).op('g1', 'Conv2D', ['dy1'], 10);
      // The rate, and what decays, are traced after all gradients.
      graph.op('t', 'Placeholder', [], 0).op('rate', 'Mul', ['t'], 0);
      order.forEach((name, i) => {
        graph.op(
          `u${name}`,
          'ResourceApplyAdam',
          [`g${name}`, 'rate'],
          0,
          DataType.float,
          i === 0 ? [] : [`u${order[i - 1]}`],
        );
      });
      return graph.graph(['dy1'], ['u1', 'u2']);
    };
    // The second layer's gradient is gone when the first's comes, unless its update has to wait.
    expect(kibOf(step(['2', '1']))).toBe(11);
    expect(kibOf(step(['1', '2']))).toBe(21);
  });

  it('leaves out what nothing needs, keeps constants, and follows effects', () => {
    const graph = new HandMade()
      .op('x', 'Placeholder', [], 16)
      .op('k', 'Const', [], 2)
      .op('unused', 'Conv2D', ['x'], 512)
      .op('grad', 'Conv2DBackpropFilter', ['x', 'k'], 8)
      .op('update', 'AssignVariableOp', ['grad'], 0)
      .op('y', 'Conv2D', ['x'], 4);
    expect([...neededNodes(graph.graph(['y'], ['update']))].sort()).toEqual([0, 1, 3, 4, 5]);
    // The gradient's memory becomes the variable's, whose old memory is freed.
    expect(kibOf(graph.graph(['y'], ['update']))).toBe(10);
  });

  it('halves what lies between the contractions of mixed precision, and adds copies of their weights', () => {
    const graph = new HandMade()
      .op('x', 'Placeholder', [], 16)
      .op('w', 'Placeholder', [], 40)
      .op('a', 'Conv2D', ['x', 'w'], 64)
      .op('b', 'Transpose', ['a'], 64)
      .op('c', 'MatMul', ['b'], 4)
      .op('y', 'Transpose', ['c'], 4);
    expect(kibOf(graph.graph(['y']))).toBe(128);
    // (16 + 40) / 2 of casts, 32 and 32.
    expect(kibOf(graph.graph(['y']), true)).toBe(92);
    // The last contraction's result in half its bytes, and cast back.
    const last = new HandMade().op('x', 'Placeholder', [], 16).op('y', 'Conv2D', ['x'], 16).graph(['y']);
    expect(kibOf(last, true)).toBe(8 + 24);
  });

  it('takes weights that are stored in two bytes as they are in mixed precision, and widens them elsewhere', () => {
    const graph = new HandMade()
      .op('x', 'Placeholder', [], 16)
      .op('w', 'Placeholder', [], 40, DataType.bfloat16)
      .op('wide', 'Cast', ['w'], 40)
      .op('a', 'Conv2D', ['x', 'wide'], 16)
      .op('y', 'MatMul', ['a'], 4)
      .graph(['y']);
    expect(kibOf(graph)).toBe(56);
    expect(estimateMemory(graph, { half: true })).toMatchObject({ bytes: (8 + 8 + 6) * KIB, casts: 8 * KIB });
  });

  it('lists what is taken and given back, in order', () => {
    const { takings } = estimateMemory(
      new HandMade().op('x', 'Placeholder', [], 1).op('a', 'Conv2D', ['x'], 1).op('y', 'Conv2D', ['a'], 2).graph(['y']),
    );
    expect(takings).toEqual([KIB, 2 * KIB, -1]);
  });
});

describe('bytesOf', () => {
  it('knows the types', () => {
    expect(bytesOf({ shape: [2, 3], dtype: DataType.float })).toBe(24);
    expect(bytesOf({ shape: [], dtype: DataType.int64 })).toBe(8);
    expect(bytesOf({ shape: [5], dtype: DataType.bfloat16 })).toBe(10);
    expect(bytesOf({ shape: [7], dtype: DataType.bool })).toBe(7);
    expect(bytesOf({ shape: [], dtype: DataType.resource })).toBe(0);
  });
});
