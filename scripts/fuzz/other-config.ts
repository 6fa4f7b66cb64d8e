import type { ParamSpec } from '@codiff/ldm-core';
import type { FuzzRandom } from './random.js';

/** A model that differs in one parameter: one less, one more, another shape, another type. */
export function anotherConfig(
  specs: ReadonlyMap<string, ParamSpec>,
  random: FuzzRandom,
): ReadonlyMap<string, ParamSpec> {
  const other = new Map(specs);
  const key = random.pick([...specs.keys()]);
  const { file: _, ...spec } = specs.get(key)!;
  switch (random.below(4)) {
    case 0:
      other.delete(key);
      return other;
    case 1:
      return other.set(`${key}.more`, { ...spec, key: `${key}.more` });
    case 2:
      return other.set(key, { ...spec, shape: [...spec.shape, 2] });
    default:
      return other.set(key, { ...spec, dtype: spec.dtype === 'float32' ? 'int32' : 'float32' });
  }
}
