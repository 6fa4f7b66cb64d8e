import { describe, expect, it } from 'vitest';
import { ones, zeros } from '../nn/init.js';
import { Scope } from '../nn/scope.js';
import { adamDefaults, adamWDefaults, planUpdates } from './rules.js';

function specs() {
  const scope = Scope.root();
  scope.param('unet.to_k.weight', [2], zeros);
  scope.param('unet.out.weight', [2], zeros);
  scope.param('cond.weight', [2], zeros);
  scope.buffer('betas', [2], ones);
  return scope.specs;
}

describe('planUpdates', () => {
  it('takes the first rule that matches, with the defaults of AdamW', () => {
    const plan = planUpdates(specs(), [
      { match: /\.to_[kv]\./, lr: 1e-5, weightDecay: 0 },
      { match: /^unet\./, lr: 1e-4, betas: [0.5, 0.9] },
      { match: /./, lr: null },
    ]);
    expect([...plan]).toEqual([
      ['unet.to_k.weight', { ...adamWDefaults, lr: 1e-5, weightDecay: 0 }],
      ['unet.out.weight', { ...adamWDefaults, lr: 1e-4, betas: [0.5, 0.9] }],
    ]);
    expect(adamWDefaults).toEqual({ betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0.01 });
  });

  it('takes other defaults', () => {
    const plan = planUpdates(specs(), [{ match: /./, lr: 1 }], adamDefaults);
    expect(plan.get('cond.weight')).toEqual({ lr: 1, betas: [0.9, 0.999], epsilon: 1e-8, weightDecay: 0 });
    expect(plan.has('betas')).toBe(false);
  });

  it('is not confused by a global expression', () => {
    expect(planUpdates(specs(), [{ match: /weight/g, lr: 1 }]).size).toBe(3);
  });

  it('lists what no rule matches', () => {
    expect(() => planUpdates(specs(), [{ match: /^unet/, lr: 1 }])).toThrow('matches 1 parameters (cond.weight)');
    expect(() => planUpdates(specs(), [])).toThrow('matches 3 parameters');
  });

  it('refuses impossible numbers, all of one rule at once', () => {
    const rule = { match: /./, lr: -1, betas: [0.9, 1] as const, weightDecay: Number.NaN };
    expect(() => planUpdates(specs(), [rule])).toThrow(
      'rule /./: lr -1 must be null or at least 0; betas [0.9,1] must lie in [0, 1); weightDecay NaN must be at least 0',
    );
    expect(() => planUpdates(specs(), [{ match: /./, lr: Number.POSITIVE_INFINITY }])).toThrow('lr Infinity');
    expect(() => planUpdates(specs(), [{ match: /./, lr: 1, epsilon: -1 }])).toThrow('epsilon -1');
  });
});
