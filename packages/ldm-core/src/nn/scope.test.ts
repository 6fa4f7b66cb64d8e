import { describe, expect, it } from 'vitest';
import { ones, zeros } from './init.js';
import { Scope } from './scope.js';

describe('Scope', () => {
  it('lists what all its parts declare, in order, under dotted keys', () => {
    const root = Scope.root();
    const block = root.at('input_blocks').at(1);
    const key = block.param('weight', [2, 3], ones);
    root.buffer('betas', [4], zeros);
    block.at('in_layers.2').param('bias', [2], zeros, { file: { shape: [2, 1] } });
    expect(key.key).toBe('input_blocks.1.weight');
    expect(block.path).toBe('input_blocks.1');
    expect([...root.specs.values()]).toEqual([
      { key: 'input_blocks.1.weight', shape: [2, 3], kind: 'parameter', dtype: 'float32', init: ones },
      { key: 'betas', shape: [4], kind: 'buffer', dtype: 'float32', init: zeros },
      {
        key: 'input_blocks.1.in_layers.2.bias',
        shape: [2],
        kind: 'parameter',
        dtype: 'float32',
        init: zeros,
        file: { shape: [2, 1] },
      },
    ]);
    expect(block.specs).toBe(root.specs);
  });

  it('refuses a name that is taken, and keeps models apart', () => {
    const scope = Scope.root().at('a');
    scope.param('weight', [1], ones);
    expect(() => scope.buffer('weight', [1], ones)).toThrow("'a.weight' is declared twice");
    expect(Scope.root().specs.size).toBe(0);
  });
});
