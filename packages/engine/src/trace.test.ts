import { describe, expect, it } from 'vitest';
import { type Answers, fakeNative } from '../test/support/fake-native.js';
import { DataType } from './capi/data-type.js';
import type { GraphOutput, Pointer } from './capi/native.js';
import type { OpDef } from './capi/op-defs.js';
import { EngineError } from './errors.js';
import type { Runtime } from './runtime.js';
import { Trace } from './trace.js';

const input = (name: string, countAttr?: string) => (countAttr === undefined ? { name } : { name, countAttr });
const OPS = new Map<string, OpDef>([
  ['Placeholder', { inputs: [], stateful: false }],
  ['Neg', { inputs: [input('x')], stateful: false }],
  ['Add', { inputs: [input('x'), input('y')], stateful: false }],
  ['Concat', { inputs: [input('values', 'N'), input('axis')], stateful: false }],
  ['Pack', { inputs: [input('values', 'N')], stateful: false }],
  ['Print', { inputs: [input('x')], stateful: true }],
  ['Identity', { inputs: [input('x')], stateful: false }],
  ['ReadVariableOp', { inputs: [input('resource')], stateful: true }],
  ['AssignVariableOp', { inputs: [input('resource'), input('value')], stateful: true }],
]);

/** A graph in which every operation is numbered, with what it was given: enough to see its order. */
function open(answers: Answers = {}) {
  let count = 0;
  const byPointer = new Map<Pointer, string>();
  const fake = fakeNative({
    TF_NewOperation: (_graph: Pointer, op: string) => {
      const pointer = BigInt(100 + count++);
      byPointer.set(pointer, op);
      return pointer;
    },
    TF_FinishOperation: (description: Pointer) => description,
    TF_GraphGetTensorNumDims: () => 1,
    TF_GraphGetTensorShape: (_graph: Pointer, _output: GraphOutput, dims: BigInt64Array) => {
      dims.fill(4n);
    },
    TF_OperationOutputType: () => DataType.float,
    ...answers,
  });
  const choice = { device: { name: 'the device' } };
  const runtime = { native: fake.native, context: 1n, opDefs: OPS, choice } as object as Runtime;
  const trace = new Trace(runtime, 'my step');
  /** The operations that an operation waits for beside its inputs. */
  const waitsFor = (oper: Pointer) =>
    fake
      .named('TF_AddControlInput')
      .filter((c) => c[1] === oper)
      .map((c) => c[2]);
  const neg = (x: GraphOutput) => trace.operation('Neg', [], [x], 1)[0]!.output;
  return { ...fake, trace, waitsFor, neg, opOf: (oper: Pointer) => byPointer.get(oper) };
}

describe('operations', () => {
  it('take single inputs, and lists as long as an attribute says or as what is left', () => {
    const { trace, named } = open();
    const [a, b, c] = [0, 1, 2].map(() => trace.placeholder(DataType.float, [4]));
    trace.operation('Add', [], [a!, b!], 1);
    expect(named('TF_AddInput').map((call) => call[2])).toEqual([a, b]);
    trace.operation('Concat', [{ name: 'N', type: 1, value: 2 }], [a!, b!, c!], 1);
    expect(named('TF_AddInputList').at(-1)!.slice(2)).toEqual([[a, b], 2]);
    expect(named('TF_AddInput').at(-1)![2]).toBe(c);
    trace.operation('Pack', [], [a!, b!, c!], 1);
    expect(named('TF_AddInputList').at(-1)!.slice(2)).toEqual([[a, b, c], 3]);
    trace.operation('Pack', [{ name: 'N', type: 4, value: [1, 1] }], [a!, b!], 1);
    expect(named('TF_AddInputList').at(-1)!.slice(2)).toEqual([[a, b], 2]);
  });

  it('give the shapes and types of their outputs', () => {
    const { trace } = open({ TF_GraphGetTensorNumDims: (_g: Pointer, { index }: GraphOutput) => index });
    const x = trace.placeholder(DataType.float, [4]);
    const outputs = trace.operation('Neg', [], [x], 2);
    expect(outputs.map(({ shape, dtype }) => [shape, dtype])).toEqual([
      [[], DataType.float],
      [[4], DataType.float],
    ]);
  });

  it('with inputs too few are a fault of the kernel, and say so', () => {
    const { trace } = open();
    const x = trace.placeholder(DataType.float, [4]);
    expect(() => trace.operation('Add', [], [x], 1)).toThrow(/compile 'my step': Add lacks its input 1/);
  });

  it('that the library lacks or refuses name function, operation and line', () => {
    const { trace, fail } = open();
    const x = trace.placeholder(DataType.float, [4]);
    expect(() => trace.operation('Teleport', [], [x], 1)).toThrow(
      /^compile 'my step': Teleport is no operation of this libtensorflow at .*trace\.test\.ts:\d+\. Compute it outside/,
    );
    expect(() => {
      fail(3, 'rank 2 wanted');
      trace.operation('Neg', [], [x], 1);
    }).toThrow(
      /^compile 'my step': Neg on the device inputs \[4\]: rank 2 wanted \(invalid-argument\)\. at .*trace\.test\.ts:\d+/,
    );
  });

  it.each([
    [-1, 'unknown rank'],
    [2, '[?,3]'],
  ])('of a shape that depends on values (rank %s) are refused', (rank, shown) => {
    const { trace } = open({
      TF_GraphGetTensorNumDims: () => rank,
      TF_GraphGetTensorShape: (_g: Pointer, _o: GraphOutput, dims: BigInt64Array) => dims.set([-1n, 3n]),
    });
    const x = trace.placeholder(DataType.float, null);
    const refused = () => trace.operation('Neg', [], [x], 1);
    expect(refused).toThrow(EngineError);
    expect(refused).toThrow(`Neg has a result whose shape depends on values (${shown})`);
  });
});

describe('following', () => {
  it('makes each operation wait, nested ones for both, and those after it for none', () => {
    const { trace, waitsFor, neg } = open();
    const x = trace.placeholder(DataType.float, [4]);
    const [a, b] = [neg(x), neg(x)];
    const inner = trace.following([a.oper], () => trace.following([b.oper], () => neg(x)));
    const outer = trace.following([a.oper], () => neg(x));
    expect(waitsFor(inner.oper)).toEqual([a.oper, b.oper]);
    expect(waitsFor(outer.oper)).toEqual([a.oper]);
    expect(waitsFor(neg(x).oper)).toEqual([]);
  });

  it('ends with an error, too', () => {
    const { trace, waitsFor, neg } = open();
    const x = trace.placeholder(DataType.float, [4]);
    expect(() =>
      trace.following([neg(x).oper], () => {
        throw new RangeError('mine');
      }),
    ).toThrow('mine');
    expect(waitsFor(neg(x).oper)).toEqual([]);
  });
});

describe('state variables', () => {
  const assign = (trace: Trace, index: number, value: GraphOutput) =>
    trace.update('AssignVariableOp', [], [index, value]);

  it('are updated after every use of the value before, and read again after the update', () => {
    const { trace, waitsFor, neg } = open();
    const w = trace.variable(DataType.float, [4]);
    const old = trace.readVariable(w).output;
    const used = neg(old);
    assign(trace, w, used);
    const first = trace.lastEffect!;
    expect(waitsFor(first)).toEqual([old.oper, used.oper]);
    const now = trace.readVariable(w).output;
    expect(waitsFor(now.oper)).toEqual([first]);
    expect([trace.isCurrent(old, w), trace.isCurrent(now, w)]).toEqual([false, true]);
    // The next update waits for the readers of its own time only, and for the one before.
    assign(trace, w, neg(now));
    expect(waitsFor(trace.lastEffect!)).toContain(first);
    expect(waitsFor(trace.lastEffect!)).toContain(now.oper);
    expect(waitsFor(trace.lastEffect!)).not.toContain(used.oper);
  });

  it('do not wait for each other', () => {
    const { trace, waitsFor } = open();
    const [a, b] = [trace.variable(DataType.float, [4]), trace.variable(DataType.float, [4])];
    const [x, y] = [trace.readVariable(a).output, trace.readVariable(b).output];
    assign(trace, a, x);
    expect(waitsFor(trace.lastEffect!)).not.toContain(y.oper);
    expect(trace.isCurrent(y, b)).toBe(true);
    expect(trace.isCurrent(y, a)).toBe(false);
  });

  it('are what the sealed token waits for, with every other effect', () => {
    const { trace, waitsFor } = open();
    const w = trace.variable(DataType.float, [4]);
    const token = trace.placeholder(DataType.float, []);
    trace.operation('Print', [], [token], 0);
    const printed = trace.lastEffect!;
    assign(trace, w, token);
    expect(waitsFor(trace.sealed(token).oper)).toEqual([printed, trace.lastEffect!]);
  });
});

describe('finish', () => {
  it('makes a function of a name of its own, with parameters in order and effects that are kept', () => {
    const { trace, named, neg } = open();
    const [a, b] = [trace.placeholder(DataType.float, [4]), trace.placeholder(DataType.float, [4])];
    const y = neg(b);
    trace.operation('Print', [], [a], 0);
    const { name, nodes } = trace.finish([y]);
    expect(name).toMatch(/^my_step_\d+$/);
    expect(nodes).toBe(4);
    const [, , given, , , , count, inputs, , outputs, , effects] = named('TF_GraphToFunctionWithControlOutputs')[0]!;
    expect([given, count, inputs, outputs, effects]).toEqual([name, 2, [a, b], [y], 1]);
    expect(
      new Trace({ native: fakeNative().native, opDefs: OPS } as object as Runtime, 'my step').finish([]).name,
    ).not.toBe(name);
  });

  it('frees the function that the context has copied, and the graph at the end', () => {
    const { trace, named } = open();
    trace.finish([]);
    expect(named('TF_DeleteFunction')).toHaveLength(1);
    trace.dispose();
    expect(named('TF_DeleteGraph', 'TF_DeleteStatus')).toHaveLength(2);
  });
});
