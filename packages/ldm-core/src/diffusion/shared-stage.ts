import type { Scope } from '../nn/scope.js';

/**
 * Declare the second names of a part that a model holds twice (`__is_first_stage__`: the first stage is also the encoder
 * of the condition). The original's checkpoints list such tensors under both names. They are declared as buffers that
 * start as what they repeat: no optimizer sees them, and nothing reads them but those who write a checkpoint.
 *
 * @param scope of the model, with the part declared already
 * @param part e.g. `first_stage_model` @param again the name it has besides, e.g. `cond_stage_model`
 */
export function declareAgain(scope: Scope, part: string, again: string): void {
  const prefix = `${scope.at(part).path}.`;
  const at = scope.at(again);
  for (const spec of [...scope.specs.values()].filter(({ key }) => key.startsWith(prefix))) {
    const { dtype, file } = spec;
    at.buffer(
      spec.key.slice(prefix.length),
      spec.shape,
      { kind: 'copy', of: spec },
      { dtype, ...(file ? { file } : {}) },
    );
  }
}
