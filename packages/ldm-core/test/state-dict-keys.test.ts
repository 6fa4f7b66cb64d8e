import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { checkConfig, composeConfig } from '../src/config/config-file.js';
import { roles } from '../src/config/roles.js';
import { ldmRegistry } from '../src/config/targets.js';
import { Scope } from '../src/nn/scope.js';
import { fileShapes, readJson } from './parity-case.js';

interface KeyList {
  readonly summary: { readonly parameters: number };
  readonly state_dict: Record<string, number[]>;
}

// No backend is registered here, so a build that made a tensor would throw.
describe.each(['512_vae', '256_vae', '512_text', '256_text', '512_mask', '256_mask'])('%s', (name) => {
  it('declares the original checkpoint: keys and shapes in order, and what of it is a parameter', () => {
    const text = readFileSync(new URL(`../../../configs/${name}.yaml`, import.meta.url), 'utf8');
    const config = checkConfig(composeConfig([{ name, text }]), ldmRegistry);
    const scope = Scope.root();
    const { target, params } = config.model;
    ldmRegistry.build({ target, params }, roles.model, scope);
    const list = readJson<KeyList>(`state_dict_keys/${name}.json`);
    expect(fileShapes(scope.specs)).toEqual(Object.entries(list.state_dict));
    const sizes = [...scope.specs.values()]
      .filter(({ kind }) => kind === 'parameter')
      .map(({ shape }) => shape.reduce((a, b) => a * b, 1));
    expect(sizes.reduce((a, b) => a + b, 0)).toBe(list.summary.parameters);
  });
});
