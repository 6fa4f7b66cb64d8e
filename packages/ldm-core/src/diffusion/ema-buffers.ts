import type { Scope } from '../nn/scope.js';
import { emaName } from '../optim/ema.js';

/** Upper limit of the decay that a fresh model stores. */
const DECAY = 0.9999;

/**
 * Declare where a checkpoint keeps the moving averages of a part's parameters: `model_ema.decay`,
 * `model_ema.num_updates`, and one buffer a parameter, named by its path within the part with all dots removed. Averages
 * start as the weights themselves.
 *
 * @param scope of the model, with the part declared already @param part e.g. `model`
 * @param averages which of the part's parameters, by their keys; all by default
 * @throws Error if two names collide without their dots
 */
export function declareEma(scope: Scope, part: string, averages: (key: string) => boolean = () => true): void {
  const prefix = `${scope.at(part).path}.`;
  const averaged = [...scope.specs.values()].filter(
    ({ key, kind }) => kind === 'parameter' && key.startsWith(prefix) && averages(key),
  );
  const at = scope.at('model_ema');
  at.buffer('decay', [], { kind: 'constant', value: DECAY });
  at.buffer('num_updates', [], { kind: 'constant', value: 0 }, { dtype: 'int32' });
  for (const spec of averaged) {
    const name = emaName(spec.key.slice(prefix.length));
    at.buffer(name, spec.shape, { kind: 'copy', of: spec }, spec.file ? { file: spec.file } : {});
  }
}
