import type { ParamSpec } from '../nn/scope.js';

/** What an optimizer does to one parameter. */
export interface UpdateSettings {
  /** Learning rate. */
  readonly lr: number;
  /** Decay rates of the first and second moment. */
  readonly betas: readonly [number, number];
  /** Added to the root of the second moment. */
  readonly epsilon: number;
  /** Decoupled decay; each step multiplies by 1 - lr weightDecay. */
  readonly weightDecay: number;
}

/** One line of a plan: parameters whose key matches, and how they are trained. `lr` null freezes them. */
export interface UpdateRule extends Partial<Omit<UpdateSettings, 'lr'>> {
  readonly match: RegExp;
  readonly lr: number | null;
}

/** Trained parameter's key -> settings. Frozen parameters are absent. */
export type UpdatePlan = ReadonlyMap<string, UpdateSettings>;

/** PyTorch's defaults of AdamW. */
export const adamWDefaults: Omit<UpdateSettings, 'lr'> = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01 };

/** PyTorch's defaults of Adam. */
export const adamDefaults: Omit<UpdateSettings, 'lr'> = { betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 };

/**
 * Decide for every parameter how it is trained: the first rule that matches its key wins. Buffers are never trained.
 * @param specs of the model, in any order @param defaults for what a rule leaves open
 * @throws Error listing the parameters that no rule matches, or a rule with impossible numbers
 */
export function planUpdates(
  specs: ReadonlyMap<string, ParamSpec>,
  rules: readonly UpdateRule[],
  defaults: Omit<UpdateSettings, 'lr'> = adamWDefaults,
): UpdatePlan {
  rules.forEach(checkRule);
  const plan = new Map<string, UpdateSettings>();
  const unmatched: string[] = [];
  for (const [key, { kind }] of specs) {
    if (kind === 'buffer') continue;
    // `search` ignores the state that a global or sticky expression would carry from key to key.
    const rule = rules.find(({ match }) => key.search(match) >= 0);
    if (rule === undefined) unmatched.push(key);
    else if (rule.lr !== null) {
      const { match, ...settings } = rule;
      plan.set(key, { ...defaults, ...settings, lr: rule.lr });
    }
  }
  if (unmatched.length > 0) {
    const shown = unmatched.slice(0, 5).join(', ') + (unmatched.length > 5 ? ', ...' : '');
    throw new Error(
      `planUpdates: no rule matches ${unmatched.length} parameters (${shown}); end the list with {match: /./, lr: null} to freeze the rest`,
    );
  }
  return plan;
}

function checkRule({ match, lr, betas = [0, 0], epsilon = 0, weightDecay = 0 }: UpdateRule): void {
  const problems: string[] = [];
  if (lr !== null && !(lr >= 0 && Number.isFinite(lr))) problems.push(`lr ${lr} must be null or at least 0`);
  if (!betas.every((beta) => beta >= 0 && beta < 1)) problems.push(`betas [${betas}] must lie in [0, 1)`);
  if (!(epsilon >= 0)) problems.push(`epsilon ${epsilon} must be at least 0`);
  if (!(weightDecay >= 0)) problems.push(`weightDecay ${weightDecay} must be at least 0`);
  if (problems.length > 0) throw new Error(`planUpdates: rule ${match}: ${problems.join('; ')}`);
}
