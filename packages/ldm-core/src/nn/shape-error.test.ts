import { describe, expect, it } from 'vitest';
import { ShapeError } from './shape-error.js';

describe('ShapeError', () => {
  it('says where, what came and what was wanted, and keeps them as fields', () => {
    const error = new ShapeError("unet 'model'", 'context', [2, 77, 512], '[B,L,640]');
    expect(error.message).toBe("unet 'model': context is [2,77,512], wanted [B,L,640]");
    expect(error).toBeInstanceOf(Error);
    expect(error).toMatchObject({
      name: 'ShapeError',
      where: "unet 'model'",
      what: 'context',
      got: [2, 77, 512],
      wanted: '[B,L,640]',
      advice: undefined,
    });
  });

  it('says what to do where it is told', () => {
    const error = new ShapeError('norm', 'x', [], '[B,H,W,C]', 'check cond_stage_config');
    expect(error.message).toBe('norm: x is [], wanted [B,H,W,C]; check cond_stage_config');
    expect(error.advice).toBe('check cond_stage_config');
  });
});
