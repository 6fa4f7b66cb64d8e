import { expect, it } from 'vitest';
import { DataType } from '../capi/data-type.js';
import { GraphRecord } from './recorded-graph.js';

it('writes down operations, the values they read and make, results and effects by their numbers', () => {
  const record = new GraphRecord();
  record.node(10n, 'x', 'Placeholder', []);
  record.output({ oper: 10n, index: 0 }, [2, 3], DataType.float);
  record.node(11n, 'halves', 'Split', [{ oper: 10n, index: 0 }]);
  record.output({ oper: 11n, index: 0 }, [1, 3], DataType.float);
  record.output({ oper: 11n, index: 1 }, [1, 3], DataType.float);
  record.node(12n, 'write', 'AssignVariableOp', [{ oper: 11n, index: 1 }]);
  const { nodes, values, results, effects } = record.finish([{ oper: 11n, index: 0 }], [12n]);
  expect(nodes.map(({ name, op, inputs, outputs }) => [name, op, inputs, outputs])).toEqual([
    ['x', 'Placeholder', [], [0]],
    ['halves', 'Split', [0], [1, 2]],
    ['write', 'AssignVariableOp', [2], []],
  ]);
  expect(values.map(({ node, shape }) => [node, shape])).toEqual([
    [0, [2, 3]],
    [1, [1, 3]],
    [1, [1, 3]],
  ]);
  expect([results, effects]).toEqual([[1], [2]]);
});

it('takes an output that nobody described for an empty one, the same each time', () => {
  const record = new GraphRecord();
  record.node(1n, 'token', 'Identity', []);
  const token = { oper: 1n, index: 0 };
  record.node(2n, 'after', 'Identity', [token]);
  const { nodes, values, results } = record.finish([token], []);
  expect(values).toEqual([{ node: 0, shape: [0], dtype: DataType.float }]);
  expect([nodes[0]!.outputs, nodes[1]!.inputs, results]).toEqual([[0], [0], [0]]);
});

it('knows nothing of operations from elsewhere', () => {
  const record = new GraphRecord();
  record.output({ oper: 7n, index: 0 }, [4], DataType.float);
  expect(record.finish([], [7n])).toEqual({ nodes: [], values: [], results: [], effects: [] });
});
